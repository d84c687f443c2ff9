import APICore
import APIMachinery
import Codec

/// Projected volumes: several sources in one directory.
enum ProjectionRules {
    static func projected(_ volume: ProjectedVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.fileMode(volume.defaultMode, path.child("defaultMode"))
        var paths: Set<String> = []
        for (index, projection) in volume.sources.enumerated() {
            errors += source(projection, path.child("sources").index(index), &paths)
        }
        return errors
    }

    private static func source(_ projection: VolumeProjection, _ path: FieldPath, _ paths: inout Set<String>)
        -> FieldErrors
    {
        var errors = FieldErrors()
        var count: Int = 0
        func begin(_ name: String) -> Bool {
            count += 1
            if count == 1 { return true }
            errors.append(.forbidden(path.child(name), "may not specify more than 1 volume type"))
            return false
        }
        var files: [String] = []
        if let secret = projection.secret, begin("secret") {
            let field: FieldPath = path.child("secret")
            errors += Rule.required(secret.name, field.child("name"))
            errors += VolumeRules.items(secret.items, field.child("items"))
            files += secret.items.map { $0.path }
        }
        if let map = projection.configMap, begin("configMap") {
            let field: FieldPath = path.child("configMap")
            errors += Rule.required(map.name, field.child("name"))
            errors += VolumeRules.items(map.items, field.child("items"))
            files += map.items.map { $0.path }
        }
        if let downward = projection.downwardAPI, begin("downwardAPI") {
            for file in downward.items { errors += VolumeRules.downwardFile(file, path.child("downwardAPI")) }
            files += downward.items.map { $0.path }
        }
        if let token = projection.serviceAccountToken, begin("serviceAccountToken") {
            errors += self.token(token, path.child("serviceAccountToken"))
            files.append(token.path)
        }
        if let bundle = projection.clusterTrustBundle, begin("clusterTrustBundle") {
            errors += trustBundle(bundle, path.child("clusterTrustBundle"))
            files.append(bundle.path)
        }
        if let certificate = projection.podCertificate, begin("podCertificate") {
            errors += Rule.required(certificate.signerName, path.child("podCertificate", "signerName"))
            files += [certificate.credentialBundlePath, certificate.keyPath, certificate.certificateChainPath]
        }
        for file in files where !file.isEmpty && !paths.insert(file).inserted {
            errors.append(.invalid(path, file, "conflicting duplicate paths"))
        }
        if count == 0 { errors.append(.required(path, "must specify a volume type")) }
        return errors
    }

    private static func token(_ token: ServiceAccountTokenProjection, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let seconds = token.expirationSeconds {
            let field: FieldPath = path.child("expirationSeconds")
            if seconds < 600 {
                errors.append(.invalid(field, seconds, "may not specify a duration less than 10 minutes"))
            }
            if seconds > 1 << 32 {
                errors.append(.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds"))
            }
        }
        errors += Rule.required(token.path, path.child("path"))
        errors += Rule.volumeItemPath(token.path, path.child("path"))
        return errors
    }

    private static func trustBundle(_ bundle: ClusterTrustBundleProjection, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        switch (bundle.name, bundle.signerName) {
        case (nil, nil): errors.append(.required(path, "either name or signerName must be specified"))
        case (.some, .some): errors.append(.invalid(path, bundle, "only one of name and signerName may be used"))
        default: break
        }
        errors += Rule.required(bundle.path, path.child("path"))
        errors += Rule.volumeItemPath(bundle.path, path.child("path"))
        return errors
    }
}
