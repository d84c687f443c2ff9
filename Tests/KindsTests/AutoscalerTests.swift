import APIAutoscaling
import APIAutoscalingV2
import APIDefaults
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct AutoscalerTests {
    private typealias Older = APIAutoscaling.HorizontalPodAutoscaler
    private typealias Current = APIAutoscalingV2.HorizontalPodAutoscaler

    private let older = OlderAutoscalerStrategy()

    private func current() throws -> PlainStrategy<Current> {
        let found: (any ResourceStrategy)? = KindRegistrations.all().first { $0.info.gvk == Current.gvk }
        return try #require(found as? PlainStrategy<Current>)
    }

    /// Every source of measures, with behavior and status.
    private func full() throws -> Current {
        try object(
            #"""
            {"metadata":{"name":"web","annotations":{"a":"b"}},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"web",
            "apiVersion":"apps/v1"},"minReplicas":2,"maxReplicas":9,"metrics":[
            {"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"100Mi"}}},
            {"type":"Pods","pods":{"metric":{"name":"rps","selector":{"matchLabels":{"x":"y"}}},
            "target":{"type":"AverageValue","averageValue":"1k"}}},
            {"type":"Object","object":{"describedObject":{"kind":"Service","name":"s","apiVersion":"v1"},
            "metric":{"name":"hits"},"target":{"type":"Value","value":"20"}}},
            {"type":"External","external":{"metric":{"name":"queue"},"target":{"type":"AverageValue","averageValue":"3"}}},
            {"type":"ContainerResource","containerResource":{"name":"cpu","container":"c",
            "target":{"type":"Utilization","averageUtilization":60}}},
            {"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}}],
            "behavior":{"scaleDown":{"stabilizationWindowSeconds":60,"selectPolicy":"Min",
            "policies":[{"type":"Pods","value":1,"periodSeconds":30}]}}},
            "status":{"observedGeneration":3,"currentReplicas":4,"desiredReplicas":5,"currentMetrics":[
            {"type":"Resource","resource":{"name":"memory","current":{"averageValue":"90Mi"}}},
            {"type":"Pods","pods":{"metric":{"name":"rps"},"current":{"averageValue":"900"}}},
            {"type":"Object","object":{"describedObject":{"kind":"Service","name":"s","apiVersion":"v1"},
            "metric":{"name":"hits"},"current":{"value":"10"}}},
            {"type":"External","external":{"metric":{"name":"queue"},"current":{"averageValue":"2"}}},
            {"type":"ContainerResource","containerResource":{"name":"cpu","container":"c",
            "current":{"averageUtilization":50,"averageValue":"5m"}}},
            {"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":65,"averageValue":"130m"}}}],
            "conditions":[{"type":"AbleToScale","status":"True","reason":"Ready","message":"ready"}]}}
            """#)
    }

    @Test func `an autoscaler survives the way through the older version`() throws {
        var object: Current = try full()
        object.setDefaults()
        let old = Older(object)
        #expect(old.spec.targetCPUUtilizationPercentage == 70)
        #expect(old.status.currentCPUUtilizationPercentage == 65)
        #expect(old.metadata.annotations.count == 5)
        let metrics: String = try #require(
            old.metadata.annotations["autoscaling.alpha.kubernetes.io/metrics"])
        #expect(metrics.contains(#"{"resource":{"name":"memory","targetAverageValue":"100Mi"},"type":"Resource"}"#))
        #expect(Current(old) == object)
        // A second round gives the same annotations.
        #expect(Older(Current(old)) == old)
        let stored: Current = try JSONReader.decode(Current.self, from: Array(older.store(old).dropFirst(4)))
        #expect(stored.spec == object.spec)
    }

    @Test func `annotations that cannot be read are ignored`() throws {
        let old: Older = try object(
            #"{"metadata":{"name":"w","annotations":{"autoscaling.alpha.kubernetes.io/metrics":"none","#
                + #""autoscaling.alpha.kubernetes.io/behavior":"[]"}},"spec":{"maxReplicas":2,"#
                + #""targetCPUUtilizationPercentage":50}}"#)
        let new = Current(old)
        #expect(new.spec.metrics.count == 1 && new.spec.metrics[0].resource?.target.averageUtilization == 50)
        #expect(new.spec.behavior == nil && new.metadata.annotations.isEmpty)
    }

    @Test func `each version has its defaults`() throws {
        let made: Older = older.created(
            try object(
                #"{"metadata":{"name":"w"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"w"},"#
                    + #""maxReplicas":2},"status":{"currentReplicas":7}}"#))
        #expect(made.spec.minReplicas == 1 && made.spec.targetCPUUtilizationPercentage == 80)
        #expect(made.status.currentReplicas == 0)
        #expect(older.validateCreate(made, context: .test()).isEmpty)
        #expect(older.row(made) == ["w", "Deployment/w", "cpu: <unknown>/80%", "1", "2", "0", "<unknown>"])
        let rules: Current = try current().created(
            try object(
                #"{"metadata":{"name":"w"},"spec":{"maxReplicas":2,"behavior":{"scaleUp":{"tolerance":"0.1"}}}}"#))
        let behavior: HorizontalPodAutoscalerBehavior = try #require(rules.spec.behavior)
        #expect(behavior.scaleUp?.policies.count == 2 && behavior.scaleUp?.stabilizationWindowSeconds == 0)
        #expect(behavior.scaleDown?.policies.count == 1 && behavior.scaleDown?.stabilizationWindowSeconds == nil)
        #expect(behavior.scaleUp?.tolerance == nil && behavior.scaleDown?.selectPolicy == "Max")
    }

    @Test func `a row shows two metrics and counts the rest`() throws {
        let strategy: PlainStrategy<Current> = try current()
        #expect(
            strategy.row(try full())[2] == "memory: 90Mi/100Mi, 900/1k + 4 more...")
        var some: Current = try full()
        some.spec.metrics = Array(some.spec.metrics[2...3])
        some.status.currentMetrics = Array(some.status.currentMetrics[2...3])
        #expect(strategy.row(some)[2] == "10/20, 2/3 (avg)")
    }

    @Test func `bounds, sources and policies are checked`() throws {
        let bad: Current = try object(
            #"""
            {"spec":{"scaleTargetRef":{"kind":"","name":"a/b"},"minReplicas":0,"maxReplicas":0,"metrics":[
            {"type":"Resource"},{"type":"Pods","pods":{"metric":{"name":""},"target":{"type":"Odd"}},
            "resource":{"name":"cpu","target":{"type":"Utilization"}}},{"type":"Odd"}],
            "behavior":{"scaleUp":{"stabilizationWindowSeconds":3601,"selectPolicy":"Odd","policies":[
            {"type":"Odd","value":0,"periodSeconds":1801}]},"scaleDown":{}}}}
            """#)
        #expect(
            bad.validate().texts == [
                "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.scaleTargetRef.kind: Required value",
                "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
                "spec.metrics[0].resource: Required value: must populate information for the given metric source",
                "spec.metrics[1].pods.metric.name: Required value: must specify a metric name",
                "spec.metrics[1].pods.target.type: Invalid value: \"Odd\": must be either Utilization, Value, or "
                    + "AverageValue",
                "spec.metrics[1].pods.target.averageValue: Required value: must specify a positive target averageValue",
                "spec.metrics[1].resource: Forbidden: must populate the given metric source only",
                "spec.metrics[2].type: Unsupported value: \"Odd\": supported values: \"ContainerResource\", "
                    + "\"External\", \"Object\", \"Pods\", \"Resource\"",
                "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to "
                    + "zero replicas",
                "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to "
                    + "3600",
                "spec.behavior.scaleUp.selectPolicy: Unsupported value: \"Odd\": supported values: \"Disabled\", "
                    + "\"Max\", \"Min\"",
                "spec.behavior.scaleUp.policies[0].type: Unsupported value: \"Odd\": supported values: \"Percent\", "
                    + "\"Pods\"",
                "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
                "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to "
                    + "1800",
                "spec.behavior.scaleDown.policies: Required value: must specify at least one Policy",
            ])
        var status = Current()
        status.status.currentReplicas = -1
        #expect(status.validateStatus().count == 1)
    }
}
