import Codec
import Testing

@testable import APIMachinery

@Suite struct FieldErrorTests {
    static let path = FieldPath("spec").child("containers").index(0).child("name")

    @Test func `paths read like upstream's`() {
        #expect(Self.path.description == "spec.containers[0].name")
        #expect(FieldPath("metadata").child("labels").key("a/b").description == "metadata.labels[a/b]")
        #expect(FieldPath.root.description == "<nil>")
        #expect(FieldPath.root.index(2).child("x").description == "[2].x")
    }

    @Test(arguments: [
        (FieldError.required(path), "Required value"), (.required(path, "why"), "Required value: why"),
        (.invalid(path, "a\"b", "bad"), #"Invalid value: "a\"b": bad"#),
        (.invalid(path, 5, "bad"), "Invalid value: 5: bad"),
        (.invalid(path, nil as Int?, "bad"), "Invalid value: null: bad"),
        (.invalid(path, ["a", "b"], "bad"), #"Invalid value: ["a","b"]: bad"#),
        (.invalid(path, true, ""), "Invalid value: true"),
        (.notSupported(path, "x", ["a", "b"]), #"Unsupported value: "x": supported values: "a", "b""#),
        (.duplicate(path, "x"), #"Duplicate value: "x""#), (.notFound(path, "x"), #"Not found: "x""#),
        (.forbidden(path, "no"), "Forbidden: no"), (.tooLong(path, limit: 5), "Too long: may not be more than 5 bytes"),
        (.tooLong(path, limit: 1), "Too long: may not be more than 1 byte"),
        (.tooMany(path, actual: 7, limit: 5), "Too many: 7: must have at most 5 items"),
        (.typeInvalid(path, 5, "must be a string"), "Invalid value: 5: must be a string"),
        (.internal(path, "boom"), "Internal error: boom"),
    ])
    func `kinds have upstream's words`(error: FieldError, body: String) {
        #expect(error.body == body)
        #expect(error.description == "spec.containers[0].name: " + body)
    }

    @Test func `several errors are listed once each`() {
        var errors: FieldErrors = [.required(FieldPath("a"))]
        #expect(errors.description == "a: Required value")
        errors += [.required(FieldPath("b")), .required(FieldPath("a"))]
        #expect(errors.description == "[a: Required value, b: Required value]")
        #expect(errors.count == 3)
    }
}

@Suite struct ObjectMetaValidationTests {
    private static func errors(
        _ namespaced: Bool = true, _ fill: (inout ObjectMeta) -> Void
    ) -> [String] {
        var meta = ObjectMeta()
        meta.name = "web"
        if namespaced { meta.namespace = "default" }
        fill(&meta)
        return meta.validate(isNamespaced: namespaced) { NameRules.dns1123Subdomain($0) }.map { $0.description }
    }

    @Test func `good metadata has no errors`() {
        #expect(
            Self.errors { meta in
                meta.generateName = "web-"
                meta.labels = ["app": "web"]
                meta.annotations = ["Example.com/x": "anything at all"]
                meta.finalizers = ["example.com/f"]
            }.isEmpty)
        #expect(Self.errors(false) { _ in }.isEmpty)
    }

    @Test func `each rule is enforced`() {
        #expect(Self.errors { $0.name = "" } == ["metadata.name: Required value: name or generateName is required"])
        #expect(
            Self.errors { $0.name = "X" }.first?.hasPrefix(
                #"metadata.name: Invalid value: "X": a lowercase RFC 1123 sub"#) == true)
        #expect(
            Self.errors { $0.generateName = "Xy-" }.first?.hasPrefix(#"metadata.generateName: Invalid value: "Xy-""#)
                == true)
        #expect(Self.errors { $0.namespace = "" } == ["metadata.namespace: Required value"])
        #expect(
            Self.errors { $0.namespace = "a.b" } == [
                #"metadata.namespace: Invalid value: "a.b": must not contain dots"#
            ])
        #expect(
            Self.errors(false) { $0.namespace = "a" } == ["metadata.namespace: Forbidden: not allowed on this type"])
        #expect(
            Self.errors { $0.labels = ["a": "b c"] }.first?.hasPrefix(#"metadata.labels: Invalid value: "b c""#) == true
        )
        #expect(
            Self.errors { $0.annotations = ["a": String(repeating: "x", count: 262_144)] }
                == ["metadata.annotations: Too long: may not be more than 262144 bytes"])
        #expect(Self.errors { $0.annotations = ["a": String(repeating: "x", count: 262_143)] }.isEmpty)
        #expect(Self.errors { $0.finalizers = ["orphan", "foregroundDeletion"] }.count == 1)
        #expect(
            Self.errors { $0.generation = -1 } == [
                "metadata.generation: Invalid value: -1: must be greater than or equal to 0"
            ])
        let owners: [String] = Self.errors { $0.ownerReferences = [OwnerReference()] }
        #expect(owners.count == 4)
        #expect(owners[0] == #"metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty"#)
        let owner = OwnerReference.with { owner in
            owner.apiVersion = "apps/v1"
            owner.kind = "ReplicaSet"
            owner.name = "a"
            owner.uid = "1"
            owner.controller = true
        }
        #expect(Self.errors { $0.ownerReferences = [owner] }.isEmpty)
        #expect(
            Self.errors { $0.ownerReferences = [owner, owner] }.first?.contains(
                "Only one reference can have Controller set to true") == true)
        let managed: [String] = Self.errors { meta in
            meta.managedFields = [.with { $0.operation = "Delete" }, .with { $0.operation = "Apply" }]
        }
        #expect(
            managed == [#"metadata.managedFields[0].operation: Invalid value: "Delete": must be `Apply` or `Update`"#])
    }

    @Test func `an update keeps what is immutable`() {
        var old = ObjectMeta()
        old.name = "web"
        old.uid = "1"
        old.resourceVersion = "5"
        old.creationTimestamp = Time(seconds: 0)
        #expect(old.validateUpdate(of: old).isEmpty)
        var new: ObjectMeta = old
        new.resourceVersion = ""
        new.uid = "2"
        new.creationTimestamp = nil
        #expect(
            new.validateUpdate(of: old).map { $0.description } == [
                #"metadata.resourceVersion: Invalid value: "": must be specified for an update"#,
                #"metadata.uid: Invalid value: "2": field is immutable"#,
                "metadata.creationTimestamp: Invalid value: null: field is immutable",
            ])
        old.deletionTimestamp = Time(seconds: 9)
        new = old
        new.finalizers = ["b", "a"]
        #expect(
            new.validateUpdate(of: old).map { $0.description } == [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
                    + #"found new finalizers []string{"a", "b"}"#
            ])
    }

    @Test func `selectors and conditions are checked`() {
        let selector = LabelSelector.with { selector in
            selector.matchExpressions = [
                .with {
                    $0.key = "a"
                    $0.operator = "In"
                },
                .with {
                    $0.key = "a"
                    $0.operator = "Exists"
                    $0.values = ["x"]
                },
                .with {
                    $0.key = "a"
                    $0.operator = "Near"
                },
            ]
        }
        #expect(
            Validation.labelSelector(selector, at: FieldPath("spec")).map { $0.description } == [
                "spec.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "spec.matchExpressions[1].values: Forbidden: may not be specified when `operator` is "
                    + "'Exists' or 'DoesNotExist'",
                #"spec.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator"#,
            ])
        let good = Condition.with { condition in
            condition.type = "Ready"
            condition.status = "True"
            condition.reason = "Done"
            condition.lastTransitionTime = Time(seconds: 1)
        }
        #expect(Validation.conditions([good], at: FieldPath("c")).isEmpty)
        #expect(
            Validation.conditions([good, good], at: FieldPath("c")).map { $0.description } == [
                #"c[1].type: Duplicate value: "Ready""#
            ])
        #expect(Validation.conditions([Condition()], at: FieldPath("c")).count == 5)
    }
}
