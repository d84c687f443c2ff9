import APICore
import APIMachinery
import Codec

/// Probes and hooks.
enum ProbeRules {
    static func liveness(_ probe: Probe?, _ path: FieldPath) -> FieldErrors {
        guard let probe else { return [] }
        var errors: FieldErrors = self.probe(probe, path)
        if probe.successThreshold != 1 {
            errors.append(.invalid(path.child("successThreshold"), probe.successThreshold, "must be 1"))
        }
        return errors
    }

    static func readiness(_ probe: Probe?, _ path: FieldPath) -> FieldErrors {
        guard let probe else { return [] }
        var errors: FieldErrors = self.probe(probe, path)
        if probe.terminationGracePeriodSeconds != nil {
            let field: FieldPath = path.child("terminationGracePeriodSeconds")
            errors.append(
                .invalid(field, probe.terminationGracePeriodSeconds, "must not be set for readinessProbes"))
        }
        return errors
    }

    private static func probe(_ probe: Probe, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = handler(
            Handler(exec: probe.exec, httpGet: probe.httpGet, tcpSocket: probe.tcpSocket, grpc: probe.grpc), path)
        errors += Rule.nonNegative(probe.initialDelaySeconds, path.child("initialDelaySeconds"))
        errors += Rule.nonNegative(probe.timeoutSeconds, path.child("timeoutSeconds"))
        errors += Rule.nonNegative(probe.periodSeconds, path.child("periodSeconds"))
        errors += Rule.nonNegative(probe.successThreshold, path.child("successThreshold"))
        errors += Rule.nonNegative(probe.failureThreshold, path.child("failureThreshold"))
        if let seconds = probe.terminationGracePeriodSeconds, seconds <= 0 {
            errors.append(.invalid(path.child("terminationGracePeriodSeconds"), seconds, "must be greater than 0"))
        }
        return errors
    }

    static func hook(_ hook: LifecycleHandler, _ graceSeconds: Int, _ path: FieldPath) -> FieldErrors {
        handler(
            Handler(exec: hook.exec, httpGet: hook.httpGet, tcpSocket: hook.tcpSocket, sleep: hook.sleep),
            graceSeconds: graceSeconds, path)
    }

    private struct Handler {
        var exec: ExecAction?
        var httpGet: HTTPGetAction?
        var tcpSocket: TCPSocketAction?
        var grpc: GRPCAction?
        var sleep: SleepAction?
    }

    private static func handler(_ handler: Handler, graceSeconds: Int = 0, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var count: Int = 0
        func begin(_ name: String) -> Bool {
            count += 1
            if count == 1 { return true }
            errors.append(.forbidden(path.child(name), "may not specify more than 1 handler type"))
            return false
        }
        if let exec = handler.exec, begin("exec") {
            if exec.command.isEmpty { errors.append(.required(path.child("exec", "command"))) }
        }
        if let get = handler.httpGet, begin("httpGet") { errors += httpGet(get, path.child("httpGet")) }
        if let socket = handler.tcpSocket, begin("tcpSocket") {
            errors += Rule.port(socket.port, path.child("tcpSocket", "port"))
        }
        if let grpc = handler.grpc, begin("grpc") { errors += Rule.portNumber(grpc.port, path.child("grpc", "port")) }
        if let sleep = handler.sleep, begin("sleep"), sleep.seconds < 0 || sleep.seconds > graceSeconds {
            let text: String = "must be non-negative and less than terminationGracePeriodSeconds (\(graceSeconds))"
            errors.append(.invalid(path.child("sleep"), sleep.seconds, text))
        }
        if count == 0 { errors.append(.required(path, "must specify a handler type")) }
        return errors
    }

    private static func httpGet(_ get: HTTPGetAction, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(get.path, path.child("path"))
        errors += Rule.port(get.port, path.child("port"))
        errors += Rule.oneOf(get.scheme, ["HTTP", "HTTPS"], path.child("scheme"))
        for header in get.httpHeaders {
            errors.append(path.child("httpHeaders"), header.name, invalid: NameRules.httpHeaderName(header.name))
        }
        return errors
    }
}
