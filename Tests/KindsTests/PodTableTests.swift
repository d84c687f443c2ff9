import APICore
import APIMachinery
import APIServer
import Codec
import Testing

struct PodTableTests {
    private func row(_ status: String, spec: String = #"{"containers":[{"name":"c"}]}"#, meta: String = "") throws
        -> [String]
    {
        let pod: Pod = try object(
            #"{"metadata":{"name":"web","creationTimestamp":"1970-01-12T13:00:00Z"\#(meta)},"#
                + #""spec":\#(spec),"status":\#(status)}"#)
        return Array(PodStrategy().row(pod).dropFirst().prefix(4))
    }

    @Test(arguments: [
        (#"{"phase":"Pending"}"#, ["0/1", "Pending", "0", "46m"]),
        (
            #"{"phase":"Pending","containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ContainerCreating"}}}]}"#,
            ["0/1", "ContainerCreating", "0", "46m"]
        ),
        (
            #"{"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":2,"state":{"running":{}},"#
                + #""lastState":{"terminated":{"finishedAt":"1970-01-12T13:41:40Z"}}}]}"#,
            ["1/1", "Running", "2 (5m ago)", "46m"]
        ),
        (
            #"{"phase":"Running","containerStatuses":[{"name":"c","restartCount":3,"#
                + #""state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#,
            ["0/1", "CrashLoopBackOff", "3", "46m"]
        ),
        (
            #"{"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"reason":"Completed"}}}]}"#,
            ["0/1", "Completed", "0", "46m"]
        ),
        (
            #"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}"#,
            ["0/1", "ExitCode:3", "0", "46m"]
        ),
        (#"{"phase":"Failed","reason":"Evicted"}"#, ["0/1", "Evicted", "0", "46m"]),
    ])
    func `the status is what matters most`(status: String, cells: [String]) throws {
        #expect(try row(status) == cells)
    }

    @Test func `init containers and sidecars count`() throws {
        let spec: String =
            #"{"initContainers":[{"name":"a"},{"name":"s","restartPolicy":"Always"}],"containers":[{"name":"c"}]}"#
        #expect(
            try row(
                #"{"phase":"Pending","initContainerStatuses":[{"name":"a","state":{"running":{}}},{"name":"s"}]}"#,
                spec: spec) == ["0/2", "Init:0/2", "0", "46m"])
        #expect(
            try row(
                #"{"phase":"Pending","initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":1,"#
                    + #""reason":"Error"}},"restartCount":1},{"name":"s"}]}"#, spec: spec)
                == ["0/2", "Init:Error", "1", "46m"])
        #expect(
            try row(
                #"{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"initContainerStatuses":["#
                    + #"{"name":"a","state":{"terminated":{}}},{"name":"s","started":true,"ready":true,"#
                    + #""state":{"running":{}},"restartCount":4}],"#
                    + #""containerStatuses":[{"name":"c","ready":true,"state":{"running":{}}}]}"#, spec: spec)
                == ["2/2", "Running", "4", "46m"])
    }

    @Test func `a pod that is going away says so`() throws {
        let meta: String = #","deletionTimestamp":"1970-01-12T13:46:00Z""#
        #expect(try row(#"{"phase":"Running"}"#, meta: meta)[1] == "Terminating")
        #expect(try row(#"{"phase":"Running","reason":"NodeLost"}"#, meta: meta)[1] == "Unknown")
        #expect(try row(#"{"phase":"Succeeded"}"#, meta: meta)[1] == "Succeeded")
    }
}
