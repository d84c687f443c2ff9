/// The streams of exec and attach, by upstream's names and channel numbers.
package enum RemoteStream: UInt8, Sendable, CaseIterable, Hashable {
    case stdin = 0
    case stdout = 1
    case stderr = 2
    case error = 3
    case resize = 4

    /// The value of the `streamType` header of a SPDY stream.
    package var streamType: String {
        switch self {
        case .stdin: "stdin"
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .error: "error"
        case .resize: "resize"
        }
    }
}

/// What a client asks of exec or attach.
package struct RemoteCommandOptions: Sendable, Equatable {
    package var stdin: Bool
    package var stdout: Bool
    package var stderr: Bool
    package var tty: Bool

    package init(stdin: Bool, stdout: Bool, stderr: Bool, tty: Bool) {
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty
    }

    /// The streams that are opened, in upstream's order. A terminal has no stderr of its own, and can be resized.
    package var streams: [RemoteStream] {
        var streams: [RemoteStream] = [.error]
        if stdin { streams.append(.stdin) }
        if stdout { streams.append(.stdout) }
        if stderr && !tty { streams.append(.stderr) }
        if tty { streams.append(.resize) }
        return streams
    }
}
