import API
import APIMachinery
import APIRules
import Codec
import Testing

/// What several components must judge alike.
@Suite struct RulesTests {
    // MARK: - Tolerations

    private static func toleration(
        _ key: String, _ operator: String, _ value: String = "", effect: String = ""
    ) -> Toleration {
        Toleration.with {
            $0.key = key
            $0.operator = `operator`
            $0.value = value
            $0.effect = effect
        }
    }

    @Test(arguments: [
        (toleration("a", "Equal", "1"), true), (toleration("a", "", "1"), true), (toleration("a", "", "2"), false),
        (toleration("a", "Exists"), true), (toleration("b", "Exists"), false), (toleration("", "Exists"), true),
        (toleration("a", "Exists", effect: "NoSchedule"), true),
        (toleration("a", "Exists", effect: "NoExecute"), false), (toleration("a", "Lt", "1"), false),
    ])
    func `a toleration fits a taint of its key, value and effect`(toleration: Toleration, fits: Bool) {
        let taint = Taint.with {
            $0.key = "a"
            $0.value = "1"
            $0.effect = "NoSchedule"
        }
        #expect(toleration.tolerates(taint) == fits)
    }

    // MARK: - Quality of service

    private typealias Amounts = (requests: StringMap<Quantity>, limits: StringMap<Quantity>)

    private static func requirements(_ amounts: Amounts) -> ResourceRequirements {
        ResourceRequirements.with {
            $0.requests = amounts.requests
            $0.limits = amounts.limits
        }
    }

    private static func pod(_ containers: [Amounts], whole: Amounts? = nil) -> Pod {
        Pod.with { pod in
            pod.spec.containers = containers.map { amounts in
                Container.with { $0.resources = requirements(amounts) }
            }
            pod.spec.resources = whole.map { requirements($0) }
        }
    }

    private static let one = Quantity(1)
    private static let both: StringMap<Quantity> = ["cpu": one, "memory": one]

    @Test func `the class of a pod is that of all its containers together`() {
        let cases: [(Pod, QualityOfService)] = [
            (Self.pod([([:], [:])]), .bestEffort), (Self.pod([(["cpu": Quantity(0)], [:])]), .bestEffort),
            (Self.pod([(["ephemeral-storage": Self.one], [:])]), .bestEffort),
            (Self.pod([(["cpu": Self.one], [:])]), .burstable), (Self.pod([(Self.both, Self.both)]), .guaranteed),
            (Self.pod([(Self.both, Self.both), ([:], [:])]), .burstable),
            (Self.pod([(Self.both, ["cpu": Quantity(2), "memory": Self.one])]), .burstable),
            (Self.pod([(["cpu": Self.one], ["cpu": Self.one])]), .burstable),
            (Self.pod([([:], [:])], whole: (Self.both, Self.both)), .guaranteed),
            (Self.pod([(Self.both, Self.both)], whole: (["cpu": Self.one], [:])), .burstable),
        ]
        for (pod, expected) in cases {
            #expect(QualityOfService(of: pod) == expected, "\(pod.spec)")
            #expect(pod.qosClass == expected.rawValue)
        }
    }

    // MARK: - Quotas

    @Test func `a quota is about pods by upstream's names`() {
        for name in [
            "pods", "count/pods", "cpu", "requests.memory", "limits.cpu", "hugepages-2Mi", "requests.hugepages-1Gi",
            "requests.example.com/gpu",
        ] {
            #expect(PodQuota.isAbout(name), "\(name)")
        }
        for name in [
            "requests.storage", "limits.example.com/gpu", "requests.kubernetes.io/x", "services", "count/services",
            "limits.hugepages-2Mi",
        ] {
            #expect(!PodQuota.isAbout(name), "\(name)")
        }
    }

    @Test func `a pod uses what it asks for, until it has ended or should be gone`() {
        var pod: Pod = Self.pod([
            (["cpu": Self.one, "example.com/gpu": Quantity(2)], ["cpu": Quantity(3)]), (["cpu": Self.one], [:]),
        ])
        let usage: StringMap<Quantity> = [
            "count/pods": Self.one, "pods": Self.one, "cpu": Quantity(2), "requests.cpu": Quantity(2),
            "limits.cpu": Quantity(3), "requests.example.com/gpu": Quantity(2),
        ]
        #expect(PodQuota.usage(of: pod) == usage)
        let now = Time(seconds: 1000)
        pod.metadata.deletionTimestamp = now
        pod.metadata.deletionGracePeriodSeconds = 30
        #expect(PodQuota.usage(of: pod, now: now.adding(seconds: 30)) == usage)
        #expect(PodQuota.usage(of: pod, now: now.adding(seconds: 31)) == ["count/pods": Self.one])
        #expect(PodQuota.usage(of: pod) == usage)
        pod.status.phase = "Succeeded"
        #expect(PodQuota.usage(of: pod) == ["count/pods": Self.one])
    }

    @Test func `a pod's amounts are those of its largest moment, or those that it states as a whole`() {
        var pod: Pod = Self.pod([(["cpu": Self.one], [:]), (["cpu": Self.one], [:])])
        pod.spec.initContainers = [
            Container.with {
                $0.resources.requests = ["cpu": Self.one]
                $0.restartPolicy = "Always"
            },
            Container.with { $0.resources.requests = ["cpu": Quantity(4)] },
        ]
        pod.spec.overhead = ["cpu": Self.one]
        #expect(PodAmounts(pod.spec, withOverhead: false).requests == ["cpu": Quantity(5)])
        #expect(PodAmounts(pod.spec, withOverhead: true).requests == ["cpu": Quantity(6)])
        pod.spec.resources = Self.requirements((["cpu": Quantity(9)], [:]))
        #expect(PodAmounts(pod.spec, withOverhead: false).requests == ["cpu": Quantity(9)])
    }
}
