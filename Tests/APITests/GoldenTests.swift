import API
import Codec
import Testing

/// Bytes that must never change.
struct GoldenTests {
    @Test func `a pod is written as upstream writes it`() throws {
        let pod = Pod.with { pod in
            pod.metadata.name = "web-0"
            pod.metadata.namespace = "default"
            pod.metadata.uid = "u-1"
            pod.metadata.resourceVersion = "42"
            pod.metadata.creationTimestamp = Time("2026-02-03T04:05:06Z")
            pod.metadata.labels = ["tier": "front", "app": "web"]
            pod.spec.volumes = [
                Volume.with { volume in
                    volume.name = "config"
                    volume.configMap = ConfigMapVolumeSource.with { $0.name = "web" }
                }
            ]
            pod.spec.containers = [
                Container.with { container in
                    container.name = "web"
                    container.image = "nginx"
                    container.ports = [ContainerPort.with { $0.containerPort = 80 }]
                    container.livenessProbe = Probe.with { probe in
                        probe.httpGet = HTTPGetAction.with { $0.port = .string("http") }
                        probe.periodSeconds = 10
                    }
                    container.resources.limits["cpu"] = try? Quantity("500m")
                }
            ]
            pod.spec.terminationGracePeriodSeconds = 0
        }
        let expected =
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-0","namespace":"default","uid":"u-1","#
            + #""resourceVersion":"42","creationTimestamp":"2026-02-03T04:05:06Z","labels":{"app":"web","tier":"front"}},"#
            + #""spec":{"volumes":[{"name":"config","configMap":{"name":"web"}}],"containers":[{"name":"web","#
            + #""image":"nginx","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"500m"}},"#
            + #""livenessProbe":{"httpGet":{"port":"http"},"periodSeconds":10}}],"terminationGracePeriodSeconds":0},"#
            + #""status":{}}"#
        #expect(String(decoding: pod.jsonBytes, as: UTF8.self) == expected)
        #expect(try JSONReader.decode(Pod.self, from: Array(expected.utf8)) == pod)
    }

    @Test func `a stored object has a slot for its revision right behind the uid`() throws {
        let map = ConfigMap.with { map in
            map.metadata.name = "a"
            map.metadata.uid = "u"
            map.metadata.generation = 3
            map.metadata.resourceVersion = "7"
        }
        let snapshot = Snapshot(map, revision: 9)
        #expect(
            String(decoding: snapshot.bytes, as: UTF8.self)
                == #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","uid":"u","generation":3}}"#)
        #expect(
            String(decoding: snapshot.stamped(), as: UTF8.self)
                == #"{"kind":"ConfigMap","apiVersion":"v1","#
                + #""metadata":{"name":"a","uid":"u","resourceVersion":"9","generation":3}}"#)
        #expect(try snapshot.decode(ConfigMap.self).metadata.resourceVersion == "9")
    }

    @Test func `what must be written although empty is null, except the items of a list`() {
        #expect(
            String(decoding: ClusterRole().jsonBytes, as: UTF8.self)
                == #"{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{},"rules":null}"#)
        #expect(
            String(decoding: PodList().jsonBytes, as: UTF8.self)
                == #"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#)
        let list = NamespaceList.with { $0.items = [Namespace()] }
        #expect(
            String(decoding: list.jsonBytes, as: UTF8.self)
                == #"{"kind":"NamespaceList","apiVersion":"v1","metadata":{},"#
                + #""items":[{"metadata":{},"spec":{},"status":{}}]}"#)
    }

    @Test func `a config map has upstream's bytes in protobuf`() throws {
        let map = ConfigMap.with { map in
            map.metadata.name = "cm"
            map.data = ["k": "v"]
            map.immutable = false
        }
        let expected: [UInt8] = [
            0x6B, 0x38, 0x73, 0x00,  // k8s\0
            0x0A, 0x0F,  // Unknown.typeMeta, 15 bytes
            0x0A, 0x02, 0x76, 0x31,  // TypeMeta.apiVersion = "v1"
            0x12, 0x09, 0x43, 0x6F, 0x6E, 0x66, 0x69, 0x67, 0x4D, 0x61, 0x70,  // TypeMeta.kind = "ConfigMap"
            0x12, 0x1E,  // Unknown.raw, 30 bytes
            0x0A, 0x12,  // ConfigMap.metadata, 18 bytes
            0x0A, 0x02, 0x63, 0x6D,  // ObjectMeta.name = "cm"
            0x12, 0x00,  // generateName, written although empty
            0x1A, 0x00,  // namespace
            0x22, 0x00,  // selfLink
            0x2A, 0x00,  // uid
            0x32, 0x00,  // resourceVersion
            0x38, 0x00,  // generation
            0x42, 0x00,  // creationTimestamp: no time
            0x12, 0x06,  // ConfigMap.data, an entry of 6 bytes
            0x0A, 0x01, 0x6B, 0x12, 0x01, 0x76,  // "k": "v"
            0x20, 0x00,  // ConfigMap.immutable = false: a pointer, so it is there
            0x1A, 0x00,  // Unknown.contentEncoding
            0x22, 0x00,  // Unknown.contentType
        ]
        #expect(ProtobufEnvelope.encode(map) == expected)
        let envelope = try ProtobufEnvelope(decoding: expected)
        #expect(try ProtobufReader.decode(ConfigMap.self, from: envelope.raw) == map)
    }

    @Test func `members of an embedded message are one level deeper in protobuf`() throws {
        let volume = Volume.with { volume in
            volume.name = "v"
            volume.emptyDir = EmptyDirVolumeSource()
        }
        let expected: [UInt8] = [
            0x0A, 0x01, 0x76,  // name = "v"
            0x12, 0x04,  // the embedded VolumeSource
            0x12, 0x02,  // emptyDir
            0x0A, 0x00,  // medium
        ]
        #expect(ProtobufWriter.encode(volume) == expected)
        #expect(try ProtobufReader.decode(Volume.self, from: expected) == volume)
    }

    @Test func `packed numbers are read although upstream does not write them`() throws {
        // PodFailurePolicyOnExitCodesRequirement: 2 operator, 3 values
        let packed: [UInt8] = [0x12, 0x02, 0x49, 0x6E, 0x1A, 0x03, 0x01, 0x80, 0x01]
        let unpacked: [UInt8] = [0x12, 0x02, 0x49, 0x6E, 0x18, 0x01, 0x18, 0x80, 0x01]
        let one: PodFailurePolicyOnExitCodesRequirement = try ProtobufReader.decode(
            PodFailurePolicyOnExitCodesRequirement.self, from: packed)
        #expect(one.values == [1, 128])
        #expect(one.operator == "In")
        #expect(try ProtobufReader.decode(PodFailurePolicyOnExitCodesRequirement.self, from: unpacked) == one)
        #expect(ProtobufWriter.encode(one) == unpacked)
    }
}
