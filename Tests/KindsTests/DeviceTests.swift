import APIDynamicResources
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct DeviceTests {
    private func strategy<Object: APIObject>(_ type: Object.Type) throws -> PlainStrategy<Object> {
        let found: (any ResourceStrategy)? = KindRegistrations.all().first { $0.info.gvk == Object.gvk }
        return try #require(found as? PlainStrategy<Object>)
    }

    private func claim() throws -> ResourceClaim {
        try strategy(ResourceClaim.self).created(
            try object(
                #"{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"gpu","exactly":{"deviceClassName":"g","#
                    + #""tolerations":[{"key":"k","value":"v"}]}},{"name":"any","firstAvailable":[{"name":"big","#
                    + #""deviceClassName":"b","allocationMode":"All"}]}]}}}"#))
    }

    @Test func `a claim asks for one device unless it says more`() throws {
        let claims: PlainStrategy<ResourceClaim> = try strategy(ResourceClaim.self)
        let made: ResourceClaim = try claim()
        let exactly: ExactDeviceRequest = try #require(made.spec.devices.requests[0].exactly)
        #expect(exactly.allocationMode == "ExactCount" && exactly.count == 1)
        #expect(exactly.tolerations[0].operator == "Equal")
        #expect(made.spec.devices.requests[1].firstAvailable[0].count == 0)
        #expect(claims.validateCreate(made, context: .test()).isEmpty)
        #expect(claims.row(made) == ["c", "pending", "<unknown>"])
        var changed: ResourceClaim = made
        changed.spec.devices.requests.removeLast()
        #expect(changed.validateUpdate(of: made).texts.first?.hasSuffix("field is immutable") == true)
    }

    @Test func `a claim's faults are named`() throws {
        let bad: ResourceClaim = try object(
            #"""
            {"spec":{"devices":{"requests":[{"name":"a"},{"name":"a","exactly":{"deviceClassName":"","allocationMode":"All",
            "count":2,"selectors":[{}]}}],"constraints":[{"requests":["b"],"matchAttribute":"x"}],
            "config":[{"opaque":{"driver":"d.example.com","parameters":[]}}]}}}
            """#)
        #expect(
            bad.validate().texts == [
                "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                "spec.devices.requests[1].exactly.deviceClassName: Required value",
                "spec.devices.requests[1].exactly.selectors[0].cel: Required value",
                "spec.devices.requests[1].exactly.count: Invalid value: 2: must not be specified when allocationMode "
                    + "is 'All'",
                "spec.devices.requests[1]: Duplicate value: \"a\"",
                "spec.devices.constraints[0].requests[0]: Invalid value: \"b\": must be the name of a request in the "
                    + "claim or the name of a request and a subrequest separated by '/'",
                "spec.devices.constraints[0].matchAttribute: Invalid value: \"x\": a fully qualified name must be a "
                    + "domain and a name separated by a slash",
                "spec.devices.config[0].opaque.parameters: Invalid value: \"<value omitted>\": must be a valid JSON "
                    + "object",
            ])
    }

    @Test func `what was given stays, and is reserved only while it is given`() throws {
        let claims: PlainStrategy<ResourceClaim> = try strategy(ResourceClaim.self)
        let old: ResourceClaim = try claim()
        var reserved: ResourceClaim = old
        reserved.status.reservedFor = [
            ResourceClaimConsumerReference.with {
                $0.resource = "pods"
                $0.name = "p"
                $0.uid = "u"
            }
        ]
        #expect(
            reserved.validateStatus(replacing: old).texts == [
                "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
            ])
        reserved.status.allocation = AllocationResult.with { allocation in
            allocation.devices.results = [
                DeviceRequestAllocationResult.with {
                    $0.request = "any/big"
                    $0.driver = "d.example.com"
                    $0.pool = "n"
                    $0.device = "g0"
                }
            ]
        }
        #expect(reserved.validateStatus(replacing: old).isEmpty)
        #expect(claims.row(reserved)[1] == "allocated,reserved")
        var other: ResourceClaim = reserved
        other.status.allocation?.devices.results[0].device = "g1"
        #expect(other.validateStatus(replacing: reserved).texts.first?.hasPrefix("status.allocation: Invalid") == true)
        other.status.devices = [
            AllocatedDeviceStatus.with {
                $0.driver = "d.example.com"
                $0.pool = "n"
                $0.device = "g7"
            }
        ]
        #expect(
            other.validateStatus(replacing: old).texts == [
                "status.devices[0]: Invalid value: \"d.example.com/n/g7\": must be an allocated device in the claim"
            ])
    }

    @Test func `a slice says where its devices are, once`() throws {
        let slices: PlainStrategy<ResourceSlice> = try strategy(ResourceSlice.self)
        let made: ResourceSlice = slices.created(
            try object(
                #"{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"n","resourceSliceCount":1},"#
                    + #""nodeName":"n","devices":[{"name":"g0","attributes":{"model":{"string":"x"},"#
                    + #""v":{"version":"1.2.3-rc.1+b"}},"taints":[{"key":"k","effect":"NoSchedule"}]}]}}"#))
        #expect(slices.validateCreate(made, context: .test()).isEmpty && made.metadata.generation == 1)
        #expect(made.spec.devices[0].taints[0].timeAdded == Time(seconds: 1_000_000))
        #expect(slices.row(made) == ["s", "n", "d.example.com", "n", "<unknown>"])
        #expect(slices.selectableValues(made) == ["n", "d.example.com"])
        let bad: ResourceSlice = try object(
            #"""
            {"spec":{"driver":"","pool":{"name":"n","resourceSliceCount":0},"allNodes":true,"nodeName":"n","devices":[
            {"name":"g","attributes":{"v":{"version":"1.2"},"w":{}},"allNodes":true,
            "consumesCounters":[{"counterSet":"c","counters":{"m":{"value":"1"}}}]}]}}
            """#)
        #expect(
            bad.validate().texts == [
                "spec.driver: Required value",
                "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
                "spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of `nodeName`, `nodeSelector`, "
                    + "`allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set",
                "spec.devices[0].attributes[v].version: Invalid value: \"1.2\": must be a string compatible with "
                    + "semver.org spec 2.0.0",
                "spec.devices[0].attributes[w]: Invalid value: \"\": exactly one value must be specified",
                "spec.devices[0].consumesCounters[0].counterSet: Invalid value: \"c\": must reference a counterSet "
                    + "defined in the ResourceSlice sharedCounters",
                "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if "
                    + "`perDeviceNodeSelection` is set to true in the ResourceSlice spec",
            ])
    }

    @Test func `what may be asked of a shared device is bounded`() throws {
        let slice: ResourceSlice = try object(
            #"""
            {"spec":{"driver":"d.example.com","pool":{"name":"n","resourceSliceCount":1},"allNodes":true,"devices":[
            {"name":"g","allowMultipleAllocations":true,"capacity":{"m":{"value":"8","requestPolicy":{"default":"3",
            "validRange":{"min":"1","max":"9","step":"4"}}},"n":{"value":"8","requestPolicy":{"default":"3",
            "validValues":["4","2"]}}}}]}}
            """#)
        #expect(
            slice.validate().texts == [
                "spec.devices[0].capacity[m].requestPolicy.validRange.max: Invalid value: \"9\": max is larger than "
                    + "capacity value: 8",
                "spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: \"3\": value is not a "
                    + "multiple of a given step (4) from (1)",
                "spec.devices[0].capacity[n].requestPolicy.validValues[1]: Invalid value: \"2\": values must be "
                    + "sorted in ascending order",
                "spec.devices[0].capacity[n].requestPolicy.validValues: Invalid value: \"3\": default value is not "
                    + "valid according to the requestPolicy",
            ])
    }
}
