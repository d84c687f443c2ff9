import APIApps
import APICore
import APIMachinery
import Codec
import Testing

@testable import APIServer

struct GoTypeErrorTests {
    private static func message<Object: APIObject>(_ type: Object.Type, _ json: String) -> String? {
        do throws(JSONError) {
            _ = try JSONReader.decode(type, from: Array(json.utf8))
            return nil
        } catch {
            return GoTypeError.message(error, of: type.schema, in: Array(json.utf8))
        }
    }

    @Test(arguments: [
        (#"{"spec":{"replicas":"x"}}"#, "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (#"{"spec":{"replicas":1.5}}"#, "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (
            #"{"spec":{"replicas":99999999999}}"#,
            "number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (#"{"spec":"x"}"#, "string into Go struct field Deployment.spec of type v1.DeploymentSpec"),
        (
            #"{"metadata":{"labels":{"a.b/c":1}}}"#,
            "number into Go struct field ObjectMeta.metadata.labels of type string"
        ),
        (
            #"{"metadata":{"labels":[]}}"#,
            "array into Go struct field ObjectMeta.metadata.labels of type map[string]string"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":[{"image":true}]}}}}"#,
            "bool into Go struct field Container.spec.template.spec.containers.image of type string"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":["x"]}}}}"#,
            "string into Go struct field PodSpec.spec.template.spec.containers of type v1.Container"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":{}}}}}"#,
            "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":1}}]}}}}"#,
            "number into Go struct field ResourceRequirements.spec.template.spec.containers.resources.limits "
                + "of type v1.ResourceList"
        ),
        (#"{"spec":{"strategy":{"rollingUpdate":{"maxSurge":[]}}}}"#, "array into Go value of type int32"),
        (#"{"metadata":{"creationTimestamp":5}}"#, "number into Go value of type string"),
    ])
    func `a wrong type is told in Go's words`(json: String, text: String) {
        #expect(Self.message(Deployment.self, json) == "json: cannot unmarshal " + text)
    }

    @Test func `what is no error of types keeps our words`() {
        #expect(Self.message(Deployment.self, #"{"spec":}"#) == nil)
        #expect(Self.message(Deployment.self, "[]") == nil)
    }

    @Test func `a quantity says what it must look like`() {
        let pod: String = #"{"spec":{"containers":[{"resources":{"limits":{"cpu":"much"}}}]}}"#
        #expect(Self.message(Pod.self, pod)?.hasPrefix("quantities must match the regular expression '^") == true)
    }
}
