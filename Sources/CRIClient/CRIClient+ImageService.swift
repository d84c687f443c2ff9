package import CRI

extension CRIClient: ImageService {
    package func listImages(_ request: ListImagesRequest) async throws(CRIError) -> ListImagesResponse {
        try await call(ImageServiceMethod.listImages, request)
    }

    package func imageStatus(_ request: ImageStatusRequest) async throws(CRIError) -> ImageStatusResponse {
        try await call(ImageServiceMethod.imageStatus, request)
    }

    package func pullImage(_ request: PullImageRequest) async throws(CRIError) -> PullImageResponse {
        try await call(ImageServiceMethod.pullImage, request)
    }

    package func removeImage(_ request: RemoveImageRequest) async throws(CRIError) -> RemoveImageResponse {
        try await call(ImageServiceMethod.removeImage, request)
    }

    package func imageFsInfo(_ request: ImageFsInfoRequest) async throws(CRIError) -> ImageFsInfoResponse {
        try await call(ImageServiceMethod.imageFsInfo, request)
    }
}
