import API
import APIMachinery
import Scheduler
import Testing

@Suite struct NodeAffinityTests {
    private func labelled(_ labels: [(String, String)]) -> Node {
        var subject: Node = node("n")
        for (key, value) in labels { subject.metadata.labels[key] = value }
        return subject
    }

    private func wanting(_ requirements: [(String, String, [String])]) -> Pod {
        var subject: Pod = pod("p")
        var term = NodeSelectorTerm()
        term.matchExpressions = requirements.map { key, operation, values in
            NodeSelectorRequirement.with {
                $0.key = key
                $0.operator = operation
                $0.values = values
            }
        }
        var selector = NodeSelector()
        selector.nodeSelectorTerms = [term]
        var affinity = APICore.NodeAffinity()
        affinity.requiredDuringSchedulingIgnoredDuringExecution = selector
        subject.spec.affinity = Affinity.with { $0.nodeAffinity = affinity }
        return subject
    }

    @Test(arguments: [
        ("In", ["ssd", "nvme"], true), ("In", ["hdd"], false), ("NotIn", ["hdd"], true), ("NotIn", ["ssd"], false),
        ("Exists", [], true), ("DoesNotExist", [], false), ("Gt", ["5"], false), ("Lt", ["5"], false),
    ])
    func `operators on a label that is there`(operation: String, values: [String], matches: Bool) {
        let result: Bool = Scheduler.NodeAffinity.matches(
            wanting([("disk", operation, values)]), labelled([("disk", "ssd")]))
        #expect(result == matches)
    }

    @Test(arguments: [("Gt", "3", true), ("Gt", "4", false), ("Lt", "5", true), ("Lt", "4", false), ("Gt", "x", false)])
    func `numbers compare as numbers`(operation: String, bound: String, matches: Bool) {
        let result: Bool = Scheduler.NodeAffinity.matches(
            wanting([("cores", operation, [bound])]), labelled([("cores", "4")]))
        #expect(result == matches)
    }

    @Test func `a term without requirements matches nothing`() {
        #expect(!Scheduler.NodeAffinity.matches(wanting([]), labelled([])))
    }

    @Test func `a node selector needs every label`() {
        var subject: Pod = pod("p")
        subject.spec.nodeSelector = ["disk": "ssd", "zone": "a"]
        #expect(!Scheduler.NodeAffinity.matches(subject, labelled([("disk", "ssd")])))
        #expect(Scheduler.NodeAffinity.matches(subject, labelled([("disk", "ssd"), ("zone", "a")])))
    }
}
