import API
import Codec
import Testing

/// Large members are values, although they are stored behind references.
struct BoxedTests {
    @Test func `a copy does not see later changes`() {
        var one = Pod()
        one.spec.nodeName = "a"
        one.spec.securityContext = PodSecurityContext.with { $0.runAsUser = 1 }
        let copy: Pod = one
        one.spec.nodeName = "b"
        one.spec.securityContext?.runAsUser = 2
        #expect(copy.spec.nodeName == "a")
        #expect(copy.spec.securityContext?.runAsUser == 1)
        #expect(one.spec.nodeName == "b")
        #expect(one.spec.securityContext?.runAsUser == 2)
        #expect(copy != one)
    }

    @Test func `a change of an unshared value happens in place`() {
        var pod = Pod()
        pod.metadata.finalizers.reserveCapacity(16)
        pod.metadata.finalizers.append("a")
        let before: UnsafeRawPointer? = pod.metadata.finalizers.withUnsafeBytes { $0.baseAddress }
        pod.metadata.finalizers.append("b")
        let after: UnsafeRawPointer? = pod.metadata.finalizers.withUnsafeBytes { $0.baseAddress }
        #expect(before == after)
        #expect(pod.metadata.finalizers == ["a", "b"])
    }

    @Test func `empty is equal to untouched, whether or not it was stored`() {
        var touched = Pod()
        touched.spec.nodeName = "a"
        touched.spec.nodeName = ""
        #expect(touched == Pod())

        var absent = Container()
        absent.livenessProbe = Probe()
        #expect(absent != Container())
        absent.livenessProbe = nil
        #expect(absent == Container())
        absent.livenessProbe?.periodSeconds = 3
        #expect(absent.livenessProbe == nil)
    }

    @Test func `an object is a few words, whatever it holds`() {
        #expect(MemoryLayout<Pod>.size == 24)
        #expect(MemoryLayout<Deployment>.size == 24)
    }
}
