import API
import APIMachinery
import Kubelet
import Testing

struct ProbeTests {
    private func machine(_ kind: ProbeKind, fill: (inout Probe) -> Void = { _ in }) -> ProbeMachine {
        var probe = Probe()
        probe.periodSeconds = 10
        probe.timeoutSeconds = 1
        probe.successThreshold = 1
        probe.failureThreshold = 3
        fill(&probe)
        return ProbeMachine(kind, probe, started: .zero, now: .zero, jitter: 0)
    }

    @Test func `a probe waits for its delay and keeps its period`() {
        var probe: ProbeMachine = machine(.readiness) { $0.initialDelaySeconds = 5 }
        #expect(probe.next == .seconds(5))
        #expect(probe.receive(.success, now: .seconds(6)) == .success)
        #expect(probe.next == .seconds(15))
        #expect(probe.receive(.success, now: .seconds(40)) == nil)
        #expect(probe.next == .seconds(50))
    }

    @Test func `thresholds count answers in a row, and each turn is told once`() {
        var probe: ProbeMachine = machine(.readiness) { $0.successThreshold = 2 }
        var told: [ProbeOutcome?] = []
        for answer in "+-++---+--+" {
            told.append(probe.receive(answer == "+" ? .success : .failure("x"), now: .zero))
        }
        #expect(told == [nil, nil, nil, .success, nil, nil, .failure(message: "x"), nil, nil, nil, nil])
    }

    @Test func `a failed liveness probe asks no more, a start-up probe asks until it has an answer`() {
        var liveness: ProbeMachine = machine(.liveness)
        for _ in 0..<2 { #expect(liveness.receive(.failure("x"), now: .zero) == nil) }
        #expect(liveness.receive(.failure("x"), now: .zero) == .failure(message: "x"))
        #expect(liveness.next == nil)
        var startup: ProbeMachine = machine(.startup)
        #expect(startup.receive(.failure("x"), now: .zero) == nil)
        #expect(startup.receive(.success, now: .zero) == .success)
        #expect(startup.next == nil)
    }

    @Test func `ports are numbers or names of the container's ports`() {
        let container = Container.with { container in
            container.ports = [
                ContainerPort.with { port in
                    port.name = "http"
                    port.containerPort = 8080
                }
            ]
        }
        #expect(ProbeTarget.port(.string("http"), of: container) == 8080)
        #expect(ProbeTarget.port(.int(9), of: container) == 9)
        #expect(ProbeTarget.port(.string("https"), of: container) == nil)
        #expect(ProbeTarget.port(.int(70000), of: container) == nil)
        let action = HTTPGetAction.with { action in
            action.path = "ok"
            action.port = .string("http")
        }
        let request = ProbeTarget.http(action, container: container, address: "10.0.0.1", timeout: .seconds(1))
        #expect(request?.url == "http://10.0.0.1:8080/ok")
    }
}
