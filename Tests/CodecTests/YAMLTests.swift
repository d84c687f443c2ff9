import Codec
import Testing

func yaml(_ text: String) throws -> JSONValue {
    let documents = try YAML.decode(text)
    #expect(documents.count == 1)
    return documents.first ?? .null
}

@Suite struct YAMLTests {
    @Test func `a manifest as people write it`() throws {
        let text = """
            # A comment.
            apiVersion: v1   # behind a value
            kind: ConfigMap
            metadata:
              name: web-0
              labels: {app: web, "tier": 'front end', empty: }
              annotations:
                url: http://example.com:80/#frag
                time: 2026-01-02T03:04:05Z
            list:
            - a
            - - nested
              - "x: y"
            -
              b: 1
              c: [1, two, {three: 3}, [],]
            -   d: plain
                  text on
                  three lines

                  and a paragraph
                e: ~
            - "quoted \\
               text
               folded\\u00e9"
            data:
              script: |
                #!/bin/sh
                echo "hi"

                  indented
              folded: >-
                one
                two

                three
                  kept
                four
              keep: |+
                x

              last: end
            """
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": "web-0", "labels": ["app": "web", "tier": "front end", "empty": nil],
                "annotations": ["url": "http://example.com:80/#frag", "time": "2026-01-02T03:04:05Z"],
            ],
            "list": [
                "a", ["nested", "x: y"], ["b": 1, "c": [1, "two", ["three": 3], []]],
                ["d": "plain text on three lines\nand a paragraph", "e": nil], "quoted text foldedé",
            ],
            "data": [
                "script": "#!/bin/sh\necho \"hi\"\n\n  indented\n", "folded": "one two\nthree\n  kept\nfour",
                "keep": "x\n\n", "last": "end",
            ],
        ]
        #expect(try yaml(text) == expected)
        #expect(
            try yaml(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n"))
                == expected)
    }

    @Test(
        arguments: [
            ("a", "a"), ("~", nil), ("null", nil), ("Null", nil), ("", nil), ("nULL", "nULL"), ("true", true),
            ("False", false),
            ("yes", true), ("NO", false), ("on", true), ("Off", false), ("y", true), ("N", false), ("yEs", "yEs"),
            ("12", 12), ("-12", -12), ("+12", 12), ("1_000", 1000), ("0x1F", 31), ("0o17", 15), ("017", 15),
            ("0644", 420),
            ("0b101", 5), ("-0x10", -16), ("08", 8.0), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-1.5E-2", -0.015),
            ("1.", 1.0), ("9223372036854775807", 9223372036854775807),
            ("9223372036854775808", .double(9223372036854775808)),
            ("1.2.3", "1.2.3"), ("1e", "1e"), ("0x", "0x"), ("--1", "--1"), ("+-1", "+-1"), (".", "."), ("1a", "1a"),
            ("100m", "100m"), ("1Gi", "1Gi"), ("2026-01-02", "2026-01-02"), ("12:30", "12:30"), ("\"12\"", "12"),
            ("'true'", "true"), ("!!str 12", "12"), ("!!int 12", 12), ("!!float 12", 12.0), ("!!str", ""),
            ("!!binary aGk=", "hi"), ("!local x", "x"), ("! 12", "12"), ("'it''s'", "it's"), ("a#b", "a#b"),
            ("a:b", "a:b"),
            ("-a", "-a"), (":a", ":a"), ("?a", "?a"),
            ("\"\\x41\\u00e9\\U0001F600\\ud83d\\ude00\\t\\e\\_\"", "Aé😀😀\t\u{1b}\u{a0}"),
            ("!<tag:yaml.org,2002:str> 1", "1"), ("a, [b] {c}", "a, [b] {c}"),
        ] as [(String, JSONValue)])
    func `scalars mean what they mean upstream`(text: String, expected: JSONValue) throws {
        #expect(try yaml("a: \(text)\nb: 1") == ["a": expected, "b": 1])
        #expect(try yaml("- \(text) # comment\n- x") == [expected, "x"])
        if !text.isEmpty, text != "a, [b] {c}" {
            #expect(try yaml("[x, \(text), {k: \(text) }]") == ["x", expected, ["k": expected]])
        }
    }

    @Test(
        arguments: [
            ("|\n a\n b\n", "a\nb\n"), ("|-\n a\n\n\n", "a"), ("|+\n a\n\n\n", "a\n\n\n"),
            ("|2\n   a\n  b\n", " a\nb\n"),
            ("|\n\n\n a\n", "\n\na\n"), (">\n a\n b\n\n\n c\n", "a b\n\nc\n"),
            (">\n a\n  b\n  c\n d\n", "a\n b\n c\nd\n"),
            ("|", ""), ("|+\n\n\n", "\n\n"), ("|-1\n  a", " a"), ("|1-\n  a", " a"), ("| # comment\n a\n", "a\n"),
            ("|\n  a\n # no comment, less indented\n", "a\n"), (">-\n\n a\n\n b\n", "\na\nb"),
            ("|\n a\n \tb\n", "a\n\tb\n"),
        ] as [(String, String)])
    func `block scalars`(text: String, expected: String) throws {
        #expect(try yaml("k: \(text)") == ["k": .string(expected)])
        #expect(try yaml("k: \(text)\nz: 1")["k"]?.string?.hasPrefix(expected) == true)
    }

    @Test func `anchors, aliases and merge keys`() throws {
        let text = """
            base: &base {a: 1, b: 2}
            other: &other
              b: 3
              c: &c [x]
            one:
              <<: *base
              b: 9
            two:
              b: 0
              <<: [*other, *base]
            list: [*c, &s "text", *s, <<]
            &key name: *key
            *key : again
            "<<": plain
            """
        let expected: JSONValue = [
            "base": ["a": 1, "b": 2], "other": ["b": 3, "c": ["x"]], "one": ["a": 1, "b": 9],
            "two": ["a": 1, "b": 0, "c": ["x"]], "list": [["x"], "text", "text", "<<"], "name": "name", "<<": "plain",
        ]
        #expect(throws: YAMLError(reason: "duplicate key \"name\"", line: 13, column: 1)) { try YAML.decode(text) }
        #expect(
            try yaml(text.split(separator: "\n").filter { !$0.hasPrefix("*key") }.joined(separator: "\n")) == expected)
    }

    @Test func `documents are told apart, those without content left out`() throws {
        let text = "# first\n---\n---\na: 1\n...\n# c\n%YAML 1.2\n--- [x]\n--- |\n text\n---\n# nothing\n---\nnull\n"
        #expect(try YAML.decode(text) == [["a": 1], ["x"], "text\n", nil])
        #expect(try YAML.decode("") == [])
        #expect(try YAML.decode("\u{feff}a: 1") == [["a": 1]])
    }

    @Test func `keys are strings`() throws {
        let text = "1: a\ntrue: b\n1.5: c\n'x y': d\n? e\n"
        #expect(throws: YAMLError(reason: "explicit keys ('?') are not supported", line: 5, column: 1)) {
            try YAML.decode(text)
        }
        #expect(
            try yaml("1: a\nyes: b\n1.5: c\n'x y': d\nx z: e") == [
                "1": "a", "true": "b", "1.5": "c", "x y": "d", "x z": "e",
            ])
    }

    @Test func `aliases cannot blow up memory`() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(throws: YAMLError.self) { try YAML.decode(text) }
        let long =
            "a: &a " + String(repeating: "x", count: 100_000) + "\nb: [" + String(repeating: "*a,", count: 101) + "]"
        #expect(throws: YAMLError.self) { try YAML.decode(long) }
        #expect(throws: YAMLError.self) { try YAML.decode(String(repeating: "[", count: 100_000)) }
        #expect(throws: YAMLError.self) { try YAML.decode(String(repeating: "- ", count: 100_000)) }
    }

    @Test(
        arguments: [
            ("a: 1\na: 2", 2, 1, "duplicate key \"a\""), ("{a: 1, a: 2}", 1, 8, "duplicate key \"a\""),
            ("a: b: c", 1, 5, "a mapping is not allowed here"),
            ("a: - b", 1, 4, "a block sequence is not allowed here"),
            ("a: 1\n b: 2", 2, 3, "a mapping is not allowed here"),
            ("a:\n  b: 1\n   c: 2", 3, 5, "a mapping is not allowed here"),
            ("a:\n  b: [1]\n   c: 2", 3, 4, "wrong indentation of a key"),
            ("a:\n  b: 1\n c: 2", 3, 2, "wrong indentation of a key"),
            ("- a\nb: 1", 2, 1, "expected the end of the document, found 'b'"),
            ("- [a]\n - b", 2, 2, "wrong indentation of a sequence's element"),
            ("a: 1\n- b", 2, 1, "expected a key, found '-'"), ("a: 1\nb", 2, 2, "expected ':' behind a key"),
            ("a:\n\tb: 1", 2, 1, "tabs cannot indent"), ("a: |\n\tb", 2, 1, "tabs cannot indent"),
            ("a: *x", 1, 4, "unknown anchor \"x\""), ("a: &a [*a]", 1, 8, "unknown anchor \"a\""),
            ("a: \"x", 1, 4, "the string has no end"), ("a: 'x\n---\n'", 1, 4, "the string has no end"),
            ("a: \"\\q\"", 1, 5, "unknown escape in a string"), ("a: \"\\ud800\"", 1, 5, "the escape is no character"),
            ("a: [1, 2", 1, 9, "expected ',' or ']', found the end of the input"),
            ("a: [1 2}", 1, 8, "expected ',' or ']', found '}'"),
            ("a: {b: 1", 1, 9, "expected ',' or '}', found the end of the input"),
            ("a: [,]", 1, 5, "expected a value, found ','"),
            ("a: \"b\" c", 1, 8, "expected the end of the line, found 'c'"),
            ("a: @b", 1, 4, "'@' cannot begin a plain scalar; quote it"),
            ("a: %b", 1, 4, "'%' cannot begin a plain scalar; quote it"), ("a: .inf", 1, 8, ".inf has no JSON form"),
            ("a: !!int x", 1, 11, "\"x\" does not fit its tag !!int"),
            ("a: !!map [1]", 1, 13, "an array does not fit its tag"),
            ("<<: 1", 1, 1, "'<<' wants a mapping"), ("~: 1", 1, 1, "null cannot be a key"),
            ("é: \"\\q\"", 1, 5, "unknown escape in a string"),
            ("a: \u{1}", 1, 4, "control characters are not allowed"),
            ("a: &x &y 1", 1, 7, "a node has one anchor at most"),
            ("%YAML 1.2\na: 1", 2, 1, "expected '---' behind directives"),
        ] as [(String, Int, Int, String)])
    func `errors name line and column`(text: String, line: Int, column: Int, reason: String) {
        #expect(throws: YAMLError(reason: reason, line: line, column: column)) { try YAML.decode(text) }
    }

    @Test func `invalid UTF-8 is refused`() {
        #expect(throws: YAMLError(reason: "invalid UTF-8", line: 2, column: 2)) {
            try YAML.decode([0x61, 0x0a, 0x62, 0xff])
        }
    }

    // tidy:allow length: one table of documents and errors.
    @Test func `output looks as kubectl's`() throws {
        let value: JSONValue = [
            "kind": "Pod", "apiVersion": "v1",
            "metadata": [
                "name": "web-0", "creationTimestamp": "2026-01-02T03:04:05Z", "labels": [:], "uid": "1e3", "x": nil,
                "annotations": [
                    "a/b": "true", "c": "multi\nline\n", "d": "no end\nhere", "e": "tail\n\n", "f": "", "g": " lead\nx",
                    "h": "a: b", "i": "#x", "j": "it's", "k": "*", "l": "tab\t", "m": "12:30", "n": "- x", "o": "-x",
                    "p": "a #b",
                    "q": "trailing \nspace", "r": "ends:", "s": "'q'", "y": "on", "0x10": "~", "t": "é\u{a0}",
                ],
            ],
            "spec": [
                "containers": [
                    ["name": "c", "args": ["-v", "--x=1", "80"], "ports": [["containerPort": 80]], "ratio": 0.5]
                ],
                "nested": [["a", "b"], [], [["c"]]], "none": [], "on": true,
            ],
        ]
        let expected = """
            apiVersion: v1
            kind: Pod
            metadata:
              annotations:
                "0x10": "~"
                a/b: "true"
                c: |
                  multi
                  line
                d: |-
                  no end
                  here
                e: |+
                  tail

                f: ""
                g: |2-
                   lead
                  x
                h: 'a: b'
                i: '#x'
                j: it's
                k: '*'
                l: "tab\\t"
                m: "12:30"
                "n": '- x'
                o: -x
                p: 'a #b'
                q: "trailing \\nspace"
                r: 'ends:'
                s: '''q'''
                t: "é\\_"
                "y": "on"
              creationTimestamp: "2026-01-02T03:04:05Z"
              labels: {}
              name: web-0
              uid: "1e3"
              x: null
            spec:
              containers:
              - args:
                - -v
                - --x=1
                - "80"
                name: c
                ports:
                - containerPort: 80
                ratio: 0.5
              nested:
              - - a
                - b
              - []
              - - - c
              none: []
              "on": true

            """
        let text = String(decoding: YAML.encode(value), as: UTF8.self)
        #expect(text == expected)
        #expect(try yaml(text) == value)
    }
}
