import CRI
import Codec
import Testing

@Suite struct CRIMethodTests {
    @Test func `calls end when the kubelet's rules say so`() {
        let usual = Duration.seconds(120)
        #expect(RuntimeServiceMethod.version.deadline(usual: usual) == .seconds(120))
        #expect(RuntimeServiceMethod.runPodSandbox.deadline(usual: usual) == .seconds(240))
        #expect(RuntimeServiceMethod.stopContainer.deadline(usual: usual, requested: .seconds(30)) == .seconds(150))
        #expect(RuntimeServiceMethod.execSync.deadline(usual: usual, requested: .seconds(5)) == .seconds(125))
        #expect(RuntimeServiceMethod.execSync.deadline(usual: usual) == nil)
        #expect(ImageServiceMethod.pullImage.deadline(usual: usual) == nil)
    }

    @Test func `what runtimes tell beyond the interface is read, and may be missing`() {
        let info = #"{"pid":42,"runtimeSpec":{"linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/n"}]}}}"#
        #expect(VerboseInfo(["info": info]).processID == 42)
        #expect(VerboseInfo(["info": info]).networkNamespace == "/n")
        #expect(VerboseInfo(["info": "{\"pid\":0}"]) == VerboseInfo([:]))
        #expect(VerboseInfo(["info": "no json"]) == VerboseInfo([:]))
    }
}
