import CRI
import Codec
import Testing

struct CRIMessageTests {
    @Test func `zero is left out, and what is there has the bytes of proto3`() throws {
        var request = RunPodSandboxRequest()
        request.config = PodSandboxConfig()
        request.config?.hostname = "web-0"
        var port = PortMapping()
        port.protocol = .udp
        port.containerPort = 53
        request.config?.portMappings = [port, PortMapping()]
        request.config?.labels = ["a": "b"]
        let expected: [UInt8] = [
            0x0A, 0x17,  // config
            0x12, 0x05, 0x77, 0x65, 0x62, 0x2D, 0x30,  // hostname
            0x2A, 0x04, 0x08, 0x01, 0x10, 0x35,  // portMappings[0]: protocol 1, containerPort 53
            0x2A, 0x00,  // portMappings[1]: all zero
            0x32, 0x06, 0x0A, 0x01, 0x61, 0x12, 0x01, 0x62,  // labels
        ]
        #expect(ProtobufWriter.encode(request) == expected)
        #expect(try ProtobufReader.decode(RunPodSandboxRequest.self, from: expected) == request)
    }

    @Test func `numbers are packed, an unknown enum case and unknown fields do no harm`() throws {
        var usage = WindowsCpuGroupAffinity()
        usage.cpuMask = .max
        #expect(
            try ProtobufReader.decode(WindowsCpuGroupAffinity.self, from: ProtobufWriter.encode(usage)) == usage)
        // state = 77; field 99 of every wire type
        let bytes: [UInt8] = [
            0x18, 0x4D, 0x98, 0x06, 0x01, 0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0x9A, 0x06, 0x01, 0xFF, 0x9D, 0x06, 1, 2,
            3, 4,
        ]
        let sandbox: PodSandbox = try ProtobufReader.decode(PodSandbox.self, from: bytes)
        #expect(sandbox.state.rawValue == 77)
        #expect(sandbox.state.description == "PodSandboxState(77)")
        #expect(PodSandboxState.sandboxNotready.description == "SANDBOX_NOTREADY")
        #expect(throws: ProtobufError(.unsupportedWireType(3), offset: 2)) {
            try ProtobufReader.decode(PodSandbox.self, from: [0x9B, 0x06])
        }
        #expect(RuntimeServiceMethod.runPodSandbox.rawValue == "/runtime.v1.RuntimeService/RunPodSandbox")
    }
}
