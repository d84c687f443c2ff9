import APIApps
import APIBatch
import APICore
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct WorkloadTests {
    private static let template =
        #"{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"a:1"}]}}"#

    private func deployment(_ more: String = "", labels: String = "web") throws -> Deployment {
        DeploymentsStrategy().created(
            try object(
                #"{"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"\#(labels)"}},"#
                    + #""template":\#(Self.template)\#(more)}}"#))
    }

    @Test func `a deployment is filled in and sound`() throws {
        let made: Deployment = try deployment()
        #expect(made.spec.replicas == 1)
        #expect(made.spec.strategy.rollingUpdate?.maxSurge == "25%")
        #expect(made.spec.strategy.rollingUpdate?.maxUnavailable == "25%")
        #expect(made.spec.revisionHistoryLimit == 10 && made.spec.progressDeadlineSeconds == 600)
        #expect(made.metadata.generation == 1)
        #expect(made.spec.template.spec.enableServiceLinks == nil)
        #expect(made.validate().isEmpty)
    }

    @Test func `a deployment that cannot work is refused`() throws {
        #expect(
            try deployment(labels: "other").validate().texts
                == [
                    #"spec.template.metadata.labels: Invalid value: {"app":"web"}: "#
                        + "`selector` does not match template `labels`"
                ])
        #expect(
            try deployment(#","replicas":-1"#).validate().texts
                == ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"])
        #expect(
            try deployment(#","strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":0}}"#).validate().texts
                == [
                    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
                ])
        #expect(
            try deployment(labels: "web").validateUpdate(of: deployment(labels: "x")).texts
                == [
                    #"spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable"#
                ])
    }

    @Test func `generations count changes of spec and annotations, not of status or labels`() throws {
        let strategy = DeploymentsStrategy()
        let old: Deployment = try deployment()
        var new: Deployment = old
        new.status.replicas = 7
        new.metadata.labels["a"] = "b"
        #expect(strategy.updated(new, from: old).metadata.generation == 1)
        #expect(strategy.updated(new, from: old).status.replicas == 0)
        new.metadata.annotations["a"] = "b"
        #expect(strategy.updated(new, from: old).metadata.generation == 2)
        new.spec.replicas = 3
        #expect(strategy.updated(new, from: old).metadata.generation == 2)
        var status: Deployment = new
        strategy.prepareForStatusUpdate(&status, old: old, context: .test(subresource: "status"))
        #expect(status.spec == old.spec && status.status.replicas == 7 && status.metadata.labels.isEmpty)
    }

    @Test func `a job's selector is its uid`() throws {
        let strategy = JobStrategy()
        let made: Job = strategy.created(
            try object(
                #"{"metadata":{"name":"sum"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"#
                    + #""spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"a"}]}}}}"#))
        #expect(made.spec.selector?.matchLabels == ["batch.kubernetes.io/controller-uid": "uid-1"])
        #expect(made.spec.template.metadata.labels["job-name"] == "sum")
        #expect(made.metadata.labels == made.spec.template.metadata.labels)
        #expect(made.spec.backoffLimit == 6 && made.spec.completions == 1 && made.spec.parallelism == 1)
        #expect(strategy.validateCreate(made, context: .test()).isEmpty)
        var always: Job = made
        always.spec.template.spec.restartPolicy = "Always"
        #expect(
            always.validate().texts
                == [#"spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never""#])
        var other: Job = made
        other.spec.completions = 5
        #expect(other.validateUpdate(of: made).texts == ["spec.completions: Invalid value: 5: field is immutable"])
    }

    @Test func `a job's policies fit its completions`() throws {
        var job: Job = JobStrategy().created(
            try object(
                #"{"metadata":{"name":"sum"},"spec":{"completionMode":"Indexed","completions":5,"parallelism":1,"#
                    + #""podReplacementPolicy":"TerminatingOrFailed","maxFailedIndexes":6,"podFailurePolicy":{"rules":["#
                    + #"{"action":"FailIndex","onExitCodes":{"operator":"In","values":[2,1,1,0]}},"#
                    + #"{"action":"Ignore","onPodConditions":[{"type":"","status":"Odd"}]}]},"#
                    + #""successPolicy":{"rules":[{"succeededIndexes":"0-2,4","succeededCount":6},{},"#
                    + #"{"succeededIndexes":"3,1"},{"succeededIndexes":"5"}]},"#
                    + #""template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"a"}]}}}}"#))
        #expect(
            job.validate().texts == [
                "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
                "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
                "spec.podFailurePolicy.rules[0].action: Invalid value: \"FailIndex\": requires the "
                    + "backoffLimitPerIndex to be set",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 1",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[3]: Invalid value: 0: must not be 0 for the In "
                    + "operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,1,0]: must be ordered",
                "spec.podFailurePolicy.rules[1].onPodConditions[0].type: Invalid value: \"\": name part must be "
                    + "non-empty",
                "spec.podFailurePolicy.rules[1].onPodConditions[0].type: Invalid value: \"\": name part must consist of "
                    + "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                    + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
                    + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                "spec.podFailurePolicy.rules[1].onPodConditions[0].status: Unsupported value: \"Odd\": supported "
                    + "values: \"False\", \"True\", \"Unknown\"",
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the "
                    + "number of specified completions)",
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 4 (the "
                    + "number of indexes in the specified succeededIndexes field)",
                "spec.successPolicy.rules[1]: Required value: at least one of succeededCount or succeededIndexes must "
                    + "be specified",
                "spec.successPolicy.rules[2].succeededIndexes: Invalid value: \"3,1\": error parsing "
                    + "succeededIndexes: non-increasing order, previous: 3, current: 1",
                "spec.successPolicy.rules[3].succeededIndexes: Invalid value: \"5\": error parsing "
                    + "succeededIndexes: too large index: \"5\"",
                "spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\"",
            ])
        job.spec.podFailurePolicy = nil
        job.spec.successPolicy = nil
        job.spec.maxFailedIndexes = nil
        job.metadata.name = String(repeating: "a", count: 62)
        #expect(job.validate().texts.last?.contains("will not able to create pod with invalid DNS label") == true)
    }

    @Test(arguments: [
        ("*/5 * * * *", nil), ("@daily", nil), ("0 0 1 jan mon-fri", nil), ("0,30 8-18/2 * * *", nil),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("@often", "unrecognized descriptor: @often"),
    ])
    func `schedules are read`(schedule: String, problem: String?) throws {
        var job: CronJob = CronJobStrategy().created(
            try object(
                #"{"metadata":{"name":"c"},"spec":{"schedule":"x","jobTemplate":{"spec":{"template":{"spec":"#
                    + #"{"restartPolicy":"Never","containers":[{"name":"c","image":"a"}]}}}}}}"#))
        job.spec.schedule = schedule
        let expected: [String] = problem.map { [#"spec.schedule: Invalid value: "\#(schedule)": \#($0)"#] } ?? []
        #expect(job.validateCreate().texts == expected)
    }

    @Test func `a stateful set keeps its names, and says what may change`() throws {
        let strategy = StatefulSetStrategy()
        let old: StatefulSet = strategy.created(
            try object(
                #"{"metadata":{"name":"db"},"spec":{"serviceName":"db","selector":{"matchLabels":{"app":"web"}},"#
                    + #""template":\#(Self.template)}}"#))
        #expect(old.spec.updateStrategy.rollingUpdate?.partition == 0)
        #expect(old.validate().isEmpty)
        var new: StatefulSet = old
        new.spec.replicas = 3
        #expect(new.validateUpdate(of: old).isEmpty)
        new.spec.serviceName = "other"
        #expect(
            new.validateUpdate(of: old).texts == [
                "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                    + "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                    + "'minReadySeconds' are forbidden"
            ])
    }

    @Test func `rows of workloads read as upstream's do`() throws {
        var made: Deployment = try deployment(#","replicas":3"#)
        made.status.readyReplicas = 2
        made.status.updatedReplicas = 3
        made.status.availableReplicas = 2
        made.metadata.creationTimestamp = Time(seconds: 999_900)
        #expect(DeploymentsStrategy().row(made) == ["web", "2/3", "3", "2", "100s", "c", "a:1", "app=web"])
        let job: Job = try object(
            #"{"metadata":{"name":"sum","creationTimestamp":"1970-01-12T13:00:00Z"},"spec":{"completions":3},"#
                + #""status":{"succeeded":1,"startTime":"1970-01-12T13:45:00Z"}}"#)
        #expect(Array(JobStrategy().row(job).prefix(5)) == ["sum", "Running", "1/3", "100s", "46m"])
    }
}
