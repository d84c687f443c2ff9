import APIAdmissionRegistration
import APIExtensions
import APIMachinery
import APIRegistration
import APIServer
import APIValidation
import Codec
import Testing

struct ExtensionKindTests {
    private func strategy<Object: APIObject>(_ type: Object.Type) throws -> PlainStrategy<Object> {
        let found: (any ResourceStrategy)? = KindRegistrations.all().first { $0.info.gvk == Object.gvk }
        return try #require(found as? PlainStrategy<Object>)
    }

    // MARK: - Admission

    @Test func `webhooks get what upstream gives them`() throws {
        let hooks: PlainStrategy<MutatingWebhookConfiguration> = try strategy(MutatingWebhookConfiguration.self)
        let made: MutatingWebhookConfiguration = hooks.created(
            try object(
                #"{"metadata":{"name":"w"},"webhooks":[{"name":"a.example.com","clientConfig":{"service":{"name":"s","#
                    + #""namespace":"n"}},"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"#
                    + #""resources":["pods"]}],"sideEffects":"None","admissionReviewVersions":["v1"]}]}"#))
        let hook: MutatingWebhook = made.webhooks[0]
        #expect(hook.failurePolicy == "Fail" && hook.matchPolicy == "Equivalent" && hook.timeoutSeconds == 10)
        #expect(hook.reinvocationPolicy == "Never" && hook.clientConfig.service?.port == 443)
        #expect(hook.rules[0].scope == "*" && hook.namespaceSelector == LabelSelector())
        #expect(hooks.validateCreate(made, context: .test()).isEmpty && made.metadata.generation == 1)
        #expect(hooks.row(made) == ["w", "1", "<unknown>"])
        var changed: MutatingWebhookConfiguration = made
        changed.webhooks[0].timeoutSeconds = 5
        #expect(hooks.updated(changed, from: made).metadata.generation == 2)
    }

    @Test func `a webhook's faults are named`() throws {
        let bad: ValidatingWebhookConfiguration = try object(
            #"""
            {"webhooks":[{"name":"a","clientConfig":{"url":"http://u@/p?q#f"},"rules":[{"operations":["*","CREATE"],
            "apiGroups":["*","a"],"apiVersions":[""],"resources":["*","pods","pods/*","pods/log"]}],"timeoutSeconds":31,
            "admissionReviewVersions":["v2"]},{"name":"a","clientConfig":{},"sideEffects":"Some"}]}
            """#)
        #expect(
            bad.validate().texts == [
                "webhooks[0].name: Invalid value: \"a\": should be a domain with at least three segments separated by "
                    + "dots",
                "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must not "
                    + "specify other operations",
                "webhooks[0].rules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify "
                    + "other API groups",
                "webhooks[0].rules[0].apiVersions[0]: Required value",
                "webhooks[0].rules[0].resources[3]: Invalid value: \"pods/log\": if 'pods/*' is present, must not "
                    + "specify pods/log",
                "webhooks[0].rules[0].resources: Invalid value: [\"*\",\"pods\",\"pods/*\",\"pods/log\"]: if '*' is "
                    + "present, must not specify other resources without subresources",
                "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
                "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
                "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; "
                    + "desired format: https://host[/path]",
                "webhooks[0].clientConfig.url: Invalid value: \"\": host must be specified; desired format: "
                    + "https://host[/path]",
                "webhooks[0].clientConfig.url: Invalid value: \"u\": user information is not permitted in the URL",
                "webhooks[0].clientConfig.url: Invalid value: \"f\": fragments are not permitted in the URL",
                "webhooks[0].clientConfig.url: Invalid value: \"q\": query parameters are not permitted in the URL",
                "webhooks[0].admissionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1",
                "webhooks[1].name: Invalid value: \"a\": should be a domain with at least three segments separated by "
                    + "dots",
                "webhooks[1].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"",
                "webhooks[1].clientConfig: Required value: exactly one of url or service is required",
                "webhooks[1].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
                "webhooks[1].name: Duplicate value: \"a\"",
            ])
    }

    @Test func `a policy and its binding`() throws {
        let policies: PlainStrategy<ValidatingAdmissionPolicy> = try strategy(ValidatingAdmissionPolicy.self)
        let made: ValidatingAdmissionPolicy = policies.created(
            try object(
                #"{"metadata":{"name":"p"},"spec":{"matchConstraints":{"resourceRules":[{"operations":["*"],"#
                    + #""apiGroups":["apps"],"apiVersions":["v1"],"resources":["deployments"]}]},"#
                    + #""validations":[{"expression":"object.spec.replicas <= 5"}]}}"#))
        #expect(policies.validateCreate(made, context: .test()).isEmpty)
        #expect(policies.row(made) == ["p", "1", "<unset>", "<unknown>"])
        let bad: ValidatingAdmissionPolicy = try object(
            #"{"metadata":{"name":"p"},"spec":{"failurePolicy":"Fail","paramKind":{"apiVersion":"A/v1","kind":""},"#
                + #""variables":[{"name":"1","expression":" "}],"validations":[{"expression":"a\nb","reason":"Odd"}]}}"#
        )
        let wanted: [String] = [
            "spec.paramKind.kind: Required value", "spec.matchConstraints: Required value",
            "spec.variables[0].name: Invalid value: \"1\": name is not a valid CEL identifier",
            "spec.variables[0].expression: Required value: expression is not specified",
            "spec.validations[0].message: Required value: message must be specified if expression contains line "
                + "breaks",
            "spec.validations[0].reason: Unsupported value: \"Odd\": supported values: \"Forbidden\", "
                + "\"Invalid\", \"RequestEntityTooLarge\", \"Unauthorized\"",
        ]
        #expect(Array(bad.validate().texts.dropFirst(1)) == wanted)
        let binding: ValidatingAdmissionPolicyBinding = try object(
            #"{"spec":{"policyName":"p","paramRef":{"name":"n","selector":{}},"validationActions":["Deny","Warn","Deny"]}}"#
        )
        #expect(
            binding.validate().texts == [
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.parameterNotFoundAction: Required value",
                "spec.validationActions[2]: Duplicate value: \"Deny\"",
                "spec.validationActions: Invalid value: [\"Deny\",\"Warn\",\"Deny\"]: must not contain both Deny and "
                    + "Warn (repeating the same validation failure information in the API response and headers serves "
                    + "no purpose)",
            ])
    }

    // MARK: - API services

    @Test func `a local API service is available at once`() throws {
        let services: PlainStrategy<APIService> = try strategy(APIService.self)
        let made: APIService = services.created(
            try object(
                #"{"metadata":{"name":"v1.apps"},"spec":{"group":"apps","version":"v1","groupPriorityMinimum":17800,"#
                    + #""versionPriority":15}}"#))
        #expect(services.validateCreate(made, context: .test()).isEmpty)
        #expect(services.row(made) == ["v1.apps", "Local", "True", "<unknown>"])
        let remote: APIService = services.created(
            try object(
                #"{"metadata":{"name":"x"},"spec":{"group":"apps","version":"v1","service":{"name":"s","#
                    + #""namespace":"n"},"caBundle":"AA==","insecureSkipTLSVerify":true}}"#))
        #expect(remote.spec.service?.port == 443 && remote.status.conditions.isEmpty)
        #expect(services.row(remote)[1...2] == ["n/s", "Unknown"])
        #expect(
            remote.validate().texts == [
                "metadata.name: Invalid value: \"x\": must be `spec.version+\".\"+spec.group`: \"v1.apps\"",
                "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
                "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
                "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
            ])
    }

    // MARK: - Custom resource definitions

    private func definition(_ schema: String, _ more: String = "") throws -> CustomResourceDefinition {
        let json: String =
            #"{"metadata":{"name":"crontabs.stable.example.com"},"spec":{"group":"stable.example.com","names":{"#
            + #""plural":"crontabs","kind":"CronTab"},"scope":"Namespaced","versions":[{"name":"v1","served":true,"#
            + #""storage":true,"# + more + #""schema":{"openAPIV3Schema":"# + schema + "}}]}}"
        return try strategy(CustomResourceDefinition.self).created(try object(json))
    }

    @Test func `a definition gets its names, and remembers what it stored`() throws {
        let definitions: PlainStrategy<CustomResourceDefinition> = try strategy(CustomResourceDefinition.self)
        let made: CustomResourceDefinition = try definition(#"{"type":"object"}"#)
        #expect(made.spec.names.singular == "crontab" && made.spec.names.listKind == "CronTabList")
        #expect(made.spec.conversion?.strategy == "None" && made.status.storedVersions == ["v1"])
        #expect(definitions.validateCreate(made, context: .test()).isEmpty)
        var next: CustomResourceDefinition = made
        next.spec.versions[0].storage = false
        next.spec.versions.append(made.spec.versions[0])
        next.spec.versions[1].name = "v2"
        next.status.storedVersions = []
        let updated: CustomResourceDefinition = definitions.updated(next, from: made)
        #expect(updated.status.storedVersions == ["v1", "v2"] && updated.metadata.generation == 2)
        #expect(updated.validateUpdate(of: made).isEmpty)
        var cut: CustomResourceDefinition = updated
        cut.spec.versions.remove(at: 0)
        #expect(
            cut.validateUpdate(of: updated).texts.first?.hasPrefix("status.storedVersions[0]: Invalid value") == true)
        var moved: CustomResourceDefinition = made
        moved.spec.names.plural = "tabs"
        #expect(
            moved.validateUpdate(of: made).texts == [
                "spec.names.plural: Invalid value: \"tabs\": field is immutable"
            ])
    }

    @Test func `a schema must be structural`() throws {
        let bad: CustomResourceDefinition = try definition(
            #"""
            {"type":"object","properties":{"spec":{"type":"object","properties":{"a":{},"b":{"type":"array"},
            "c":{"type":"object","properties":{"x":{"type":"string"}},"additionalProperties":{"type":"string"}},
            "d":{"type":"integer","anyOf":[{"type":"string"}]},"e":{"type":"odd"},"f":{"$ref":"#/x","type":"object"},
            "g":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"map"}}},
            "metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}}
            """#)
        #expect(
            Set(bad.validate().texts) == [
                "spec.validation.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be "
                    + "empty for specified object fields",
                "spec.validation.openAPIV3Schema.properties[spec].properties[b].items: Required value: must be "
                    + "specified",
                "spec.validation.openAPIV3Schema.properties[spec].properties[c].additionalProperties: Forbidden: "
                    + "additionalProperties and properties are mutual exclusive",
                "spec.validation.openAPIV3Schema.properties[spec].properties[d].anyOf[0].type: Forbidden: must be "
                    + "empty to be structural",
                "spec.validation.openAPIV3Schema.properties[spec].properties[e].type: Unsupported value: \"odd\": "
                    + "supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
                "spec.validation.openAPIV3Schema.properties[spec].properties[f].$ref: Forbidden: $ref is not supported",
                "spec.validation.openAPIV3Schema.properties[spec].properties[g].x-kubernetes-list-map-keys: Required "
                    + "value: must not be empty if x-kubernetes-list-type is map",
                "spec.validation.openAPIV3Schema.properties[spec].properties[g].items.type: Invalid value: "
                    + "\"string\": must be object if parent array's x-kubernetes-list-type is map",
                "spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything other "
                    + "than name and generateName, but metadata is implicitly specified",
            ])
        let number: CustomResourceDefinition = try definition(
            #"{"type":"object","properties":{"p":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},"#
                + #"{"type":"string"}]}}}"#)
        #expect(number.validate().isEmpty)
    }

    @Test func `names, versions and subresources of a definition are checked`() throws {
        var bad: CustomResourceDefinition = try definition(
            #"{"type":"string","nullable":true,"maxProperties":2}"#,
            #""subresources":{"status":{},"scale":{"specReplicasPath":".status.n","statusReplicasPath":"n"}},"#
                + #""additionalPrinterColumns":[{"name":"","type":"odd","jsonPath":"x"}],"deprecationWarning":"old","#)
        bad.metadata.name = "other"
        bad.spec.scope = "Odd"
        bad.spec.names.kind = "Cron_Tab"
        bad.spec.versions[0].storage = false
        let texts: [String] = bad.validate().texts
        for wanted in [
            "metadata.name: Invalid value: \"other\": must be spec.names.plural+\".\"+spec.group",
            "spec.scope: Unsupported value: \"Odd\": supported values: \"Cluster\", \"Namespaced\"",
            "spec.versions[0].deprecationWarning: Invalid value: \"old\": can only be set for deprecated versions",
            "spec.validation.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root",
            "spec.validation.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root",
            "spec.subresources.scale.specReplicasPath: Invalid value: \".status.n\": should be a json path under .spec",
            "spec.subresources.scale.statusReplicasPath: Invalid value: \"n\": must be a simple json path starting "
                + "with .",
            "spec.additionalPrinterColumns[0].name: Required value",
            "spec.additionalPrinterColumns[0].type: Invalid value: \"odd\": must be one of "
                + "boolean,date,integer,number,string",
        ] {
            #expect(texts.contains(wanted), "\(wanted)")
        }
        #expect(texts.contains { $0.hasSuffix("must have exactly one version marked as storage version") })
        #expect(texts.contains { $0.hasPrefix("spec.names.kind: Invalid value: \"Cron_Tab\": may have mixed case") })
        var approved: CustomResourceDefinition = try definition(#"{"type":"object"}"#)
        approved.spec.group = "stable.k8s.io"
        approved.metadata.name = "crontabs.stable.k8s.io"
        #expect(approved.validate().count == 1)
        approved.metadata.annotations["api-approved.kubernetes.io"] =
            "https://github.com/kubernetes/enhancements/pull/1"
        #expect(approved.validate().isEmpty)
    }

    @Test func `a schema keeps its forms`() throws {
        let text: String =
            #"{"type":"object","default":{"a":[1]},"enum":[null,"x"],"items":[{"type":"string"}],"#
            + #""properties":{"a":{"additionalProperties":false},"b":{"additionalProperties":{"type":"string"}}},"#
            + #""dependencies":{"a":["b"],"c":{"type":"object"}}}"#
        let schema: JSONSchemaProps = try JSONReader.decode(JSONSchemaProps.self, from: Array(text.utf8))
        let before: JSONValue = try JSONReader.decode(JSONValue.self, from: Array(text.utf8))
        let after: JSONValue = try JSONReader.decode(JSONValue.self, from: schema.jsonBytes)
        #expect(before == after)
        let wire: [UInt8] = ProtobufWriter.encode(schema)
        #expect(try ProtobufReader.decode(JSONSchemaProps.self, from: wire) == schema)
    }
}
