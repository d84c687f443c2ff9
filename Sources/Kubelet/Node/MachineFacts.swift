import APIMachinery

/// What the kubelet reads off the machine, as plain values; read by `MachineReader`.
package struct MachineFacts: Sendable, Equatable {
    package var processors: Int
    package var memoryBytes: Int
    /// Of the file system that holds the data directory.
    package var storageBytes: Int
    package var storageFreeBytes: Int
    package var memoryFreeBytes: Int
    package var processIDLimit: Int
    package var machineID: String
    package var systemUUID: String
    package var bootID: String
    package var kernelVersion: String
    package var osImage: String
    /// Go's name: `amd64`, `arm64`.
    package var architecture: String
    package var swapBytes: Int

    package init() {
        processors = 1
        memoryBytes = 0
        storageBytes = 0
        storageFreeBytes = 0
        memoryFreeBytes = 0
        processIDLimit = 0
        machineID = ""
        systemUUID = ""
        bootID = ""
        kernelVersion = ""
        osImage = ""
        architecture = ""
        swapBytes = 0
    }
}

/// What the runtime says of itself.
package struct RuntimeFacts: Sendable, Equatable {
    /// `containerd://1.6.20`
    package var version: String
    /// nil: it is ready; else what it says is wrong.
    package var problem: String?
    /// The largest first.
    package var images: [(names: [String], bytes: Int)]

    package init(version: String, problem: String?, images: [(names: [String], bytes: Int)]) {
        self.version = version
        self.problem = problem
        self.images = images
    }

    package static func == (left: RuntimeFacts, right: RuntimeFacts) -> Bool {
        left.version == right.version && left.problem == right.problem
            && left.images.elementsEqual(right.images) { $0.names == $1.names && $0.bytes == $1.bytes }
    }
}
