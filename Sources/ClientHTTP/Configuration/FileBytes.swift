import Glibc

/// Whole small files: certificates, tokens, kubeconfigs.
enum FileBytes {
    /// More than this is none of those.
    static let limit: Int = 16 * 1024 * 1024

    /// Blocks; not for the cooperative pool while serving.
    static func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            var code: Int32 = 0
            let chunk: [UInt8] = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                let got: Int = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if got < 0 { code = errno }
                count = max(0, got)
            }
            if code != 0 {
                if code == EINTR { continue }
                throw failure(path, code)
            }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        throw ConfigurationError("failed to read \(path): too large")
    }

    private static func failure(_ path: String, _ code: Int32) -> ConfigurationError {
        ConfigurationError("failed to read \(path): \(String(cString: strerror(code)))")
    }
}

extension ClientConfiguration.Source {
    func read() throws(ConfigurationError) -> [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .file(let path): return try FileBytes.read(path)
        }
    }
}
