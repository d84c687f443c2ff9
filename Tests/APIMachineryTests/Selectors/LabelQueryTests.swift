import Codec
import Testing

@testable import APIMachinery

@Suite struct LabelQueryTests {
    static let web: StringMap<String> = ["app": "web", "tier": "front", "size": "10", "empty": ""]

    @Test(arguments: [
        ("", true), ("app=web", true), ("app==web", true), ("app!=web", false), ("app!=db", true), ("none!=x", true),
        ("app in (web, db)", true), ("app in (db)", false), ("app notin (db)", true), ("none notin (x)", true),
        ("none in (x)", false), ("app", true), ("!app", false), ("!none", true), ("none", false), ("empty", true),
        ("empty=", true), ("empty in ()", true), ("app=,tier", false), ("size>9", true), ("size > 10", false),
        ("size<11", true), ("app>1", false), ("none<5", false), ("app=web,tier=front,!gone", true),
        ("app=web,tier!=front", false), ("in in (in)", false), ("app in (in,web)", true), (" app = web , tier ", true),
        ("app in (web,)", true), ("empty in (,x)", true),
    ])
    func `matches`(text: String, expected: Bool) throws {
        let query = try LabelQuery(parsing: text)
        #expect(query.matches(Self.web) == expected)
        #expect(try LabelQuery(parsing: query.description).matches(Self.web) == expected)
    }

    @Test(arguments: [
        ("b=2,a=1", "a=1,b=2"), ("x in (c,a,b,a)", "x in (a,b,c)"), ("!y,x", "x,!y"), ("a==b", "a==b"),
        ("n>5,m<3", "m<3,n>5"), ("x notin (a)", "x notin (a)"),
    ])
    func `has a canonical text`(text: String, canonical: String) throws {
        #expect(try LabelQuery(parsing: text).description == canonical)
    }

    @Test(arguments: [
        ("a=b,,c=d", "found ',', expected: identifier after ','"),
        ("a=b,", "found '', expected: identifier after ','"),
        (",a=b", "found ',', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a==!b", "unable to parse requirement: found '!', expected: identifier"),
        (
            "a>x",
            #"unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, "#
                + "the value must be an integer"
        ),
        (
            "/a=b",
            #"unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty"#
        ),
        (
            "a=b$",
            #"unable to parse requirement: values[0][a]: Invalid value: "b$": a valid label must be an empty string "#
                + "or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
                + "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
                + "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ),
    ])
    func `wrong texts are refused in upstream's words`(text: String, message: String) {
        let error = #expect(throws: LabelQuery.ParseError.self) { try LabelQuery(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `a label selector becomes a query`() throws {
        var selector = LabelSelector()
        #expect(try LabelQuery(selector).isEverything)
        #expect(try LabelQuery(nil as LabelSelector?).matches([:]) == false)
        selector.matchLabels = ["app": "web"]
        selector.matchExpressions = [
            .with {
                $0.key = "tier"
                $0.operator = "NotIn"
                $0.values = ["back"]
            },
            .with {
                $0.key = "gone"
                $0.operator = "DoesNotExist"
            },
        ]
        let query = try LabelQuery(selector)
        #expect(query.description == "app=web,!gone,tier notin (back)")
        #expect(query.matches(Self.web))
        #expect(query.requiredValue(of: "app") == "web")
        #expect(query.requiredValue(of: "tier") == nil)
        selector.matchExpressions[0].operator = "Near"
        let error = #expect(throws: LabelQuery.ParseError.self) { try LabelQuery(selector) }
        #expect(error?.description == #""Near" is not a valid label selector operator"#)
        #expect(selector.formatted == "<error>")
    }
}

@Suite struct FieldQueryTests {
    @Test(arguments: [
        ("", "", true), ("metadata.name=web", "metadata.name=web", true),
        ("metadata.name==web", "metadata.name=web", true), ("metadata.name!=web", "metadata.name!=web", false),
        ("spec.nodeName=", "spec.nodeName=", true), ("spec.nodeName!=", "spec.nodeName!=", false),
        ("z=\\=\\,\\\\,metadata.name=web", "metadata.name=web,z=\\=\\,\\\\", true),
        (",metadata.name=web,", "metadata.name=web", true),
    ])
    func `is read, written and matched`(text: String, canonical: String, expected: Bool) throws {
        let values: [String: String] = ["metadata.name": "web", "z": "=,\\"]
        let query = try FieldQuery(parsing: text)
        #expect(query.description == canonical)
        #expect(query.matches { values[$0] ?? "" } == expected)
    }

    @Test(arguments: [
        ("name", "invalid selector: 'name'; can't understand 'name'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("a=\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=\\", "invalid field selector: invalid escape sequence: \\"),
    ])
    func `wrong texts are refused`(text: String, message: String) {
        let error = #expect(throws: FieldQuery.ParseError.self) { try FieldQuery(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `what it demands of a field is known`() throws {
        let query = try FieldQuery(parsing: "metadata.name=web,status.phase!=Running")
        #expect(query.requiredValue(of: "metadata.name") == "web")
        #expect(query.requiredValue(of: "status.phase") == nil)
        #expect(query.firstUnknownField { $0 == "metadata.name" } == "status.phase")
        #expect(query.removing(field: "metadata.name").description == "status.phase!=Running")
    }
}
