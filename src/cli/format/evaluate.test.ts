/** Templates of docker's documentation, and what text/template of Go 1.19 makes of them. */

import { describe, expect, test } from "bun:test";
import { TemplateError } from "./error.ts";
import { compileTemplate } from "./evaluate.ts";

const container = {
  Id: "4c01db0b339c",
  Name: "/web_1",
  Args: ["-g", "daemon off;"],
  Image: "sha256:abc:def",
  State: { Status: "running", Running: true, Pid: 42, ExitCode: 0, Error: "" },
  Config: { Labels: { a: "1", "b.c/d": "2" }, Env: ["A=1", "B=2"] },
  Mounts: [
    { Type: "bind", Source: "/a", RW: true },
    { Type: "volume", Source: "/b", RW: false },
  ],
  NetworkSettings: {
    Networks: { net1: { IPAddress: "10.0.0.2" }, bridge: { IPAddress: "172.17.0.2" } },
    Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
  },
  Empty: [],
  None: null,
  Size: 1234,
  Ratio: 0.25,
  Big: 123456789,
  Note: 'a < b & "c" é',
};

/** Each as the Go program printed it. */
const results: readonly (readonly [template: string, printed: string])[] = [
  ["{{.Id}}", "4c01db0b339c"],
  ['{{join .Args " , "}}', "-g , daemon off;"],
  ["{{lower .Name}}", "/web_1"],
  ['{{split .Image ":"}}', "[sha256 abc def]"],
  ['{{title "hello wOrld-x it\'s"}}', "Hello WOrld-X It'S"],
  ["{{upper .Name}}", "/WEB_1"],
  ["{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}", "172.17.0.2\n10.0.0.2\n"],
  ["{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "172.17.0.210.0.0.2"],
  [
    "{{range $p, $conf := .NetworkSettings.Ports}} {{$p}} -> {{(index $conf 0).HostPort}} {{end}}",
    " 80/tcp -> 8080 ",
  ],
  ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"],
  ['{{index .Config.Labels "b.c/d"}}', "2"],
  ["{{.State.Running}}", "true"],
  ["{{.State}}", "map[Error: ExitCode:0 Pid:42 Running:true Status:running]"],
  ["{{.Mounts}}", "[map[RW:true Source:/a Type:bind] map[RW:false Source:/b Type:volume]]"],
  ["{{.Config}}", "map[Env:[A=1 B=2] Labels:map[a:1 b.c/d:2]]"],
  ["{{json .Note}}", '"a < b & \\"c\\" é"'],
  ["{{.Note}}", 'a < b & "c" é'],
  ["{{range .Mounts}}{{.Type}}:{{.Source}};{{end}}", "bind:/a;volume:/b;"],
  ["{{range $i, $m := .Mounts}}{{$i}}={{$m.Source}} {{end}}", "0=/a 1=/b "],
  ["{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}", "a=1 b.c/d=2 "],
  ["{{range .Empty}}x{{else}}none{{end}}", "none"],
  ["{{if .State.Running}}up{{else}}down{{end}}", "up"],
  ["{{if not .State.Running}}down{{else if eq .State.Pid 42}}42{{else}}?{{end}}", "42"],
  ["{{with .State}}{{.Status}}{{end}}", "running"],
  ["{{with .Empty}}x{{else}}y{{end}}", "y"],
  ["{{with $x := .State.Pid}}{{$x}}{{end}}", "42"],
  ["{{$x := 1}}{{range .Args}}{{$x = 2}}{{end}}{{$x}}", "2"],
  ["{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"],
  ["{{$.Id}}{{range .Args}}{{$.Name}}{{end}}", "4c01db0b339c/web_1/web_1"],
  ["{{len .Args}} {{len .Note}} {{len .Config.Labels}}", "2 14 2"],
  [
    '{{eq .State.Status "running" }} {{eq .State.Status "a" "running"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
    "true true true true true true false",
  ],
  [
    '{{and .State.Running .Empty}}|{{and 1 2}}|{{or 0 "" "z"}}|{{or 0 ""}}|{{not 1}}',
    "[]|2|z||false",
  ],
  ["{{or true (index .Empty 5)}}", "true"],
  ['{{.Name | upper | printf "%-10s|"}}', "/WEB_1    |"],
  [
    '{{printf "%s %d %v %q %5d|%-5d|%05d %.2f %x %t %%" .Id .State.Pid .Args .Name 42 42 42 .Ratio "hi" true}}',
    '4c01db0b339c 42 [-g daemon off;] "/web_1"    42|42   |00042 0.25 6869 true %',
  ],
  [
    '{{printf "%d" "x"}} {{printf "%s" 3}} {{printf "%d"}} {{printf "a" 1}}',
    "%!d(string=x) %!s(int=3) %!d(MISSING) a%!(EXTRA int=1)",
  ],
  [
    '{{printf "%+d %x %X %o %b %c %e %g %T" 5 255 255 8 5 65 12345.678 0.5 "s"}}',
    "+5 ff FF 10 101 A 1.234568e+04 0.5 string",
  ],
  ['{{print 1 2 "a" "b" 3 4}}', "1 2ab3 4"],
  ['{{println "a" 1}}', "a 1\n"],
  ["{{print nil}}", "<nil>"],
  ["{{.None}}", "<no value>"],
  ["{{.Ratio}} {{.Big}} {{.Size}}", "0.25 123456789 1234"],
  ["{{slice .Id 0 4}} {{slice .Args 1}}", "4c01 [daemon off;]"],
  ['{{index .Args 0}} {{index "abc" 1}}', "-g 98"],
  ["{{truncate .Id 4}} {{truncate .Id 40}}", "4c01 4c01db0b339c"],
  ['{{pad .Id 1 2}}|{{pad "" 3 3}}|', " 4c01db0b339c  ||"],
  ['a {{- " b " -}} c', "a b c"],
  ["{{/* comment */}}x{{- /* c */ -}}  y", "xy"],
  ["{{ `raw\\n` }}{{ \"q\\t\\u00e9\\x41\" }}{{ 'a' }}", "raw\\nq\téA97"],
  ["{{1.5}} {{0x10}} {{-3}} {{1e3}} {{true}}", "1.5 16 -3 1000 true"],
  ["{{range $i, $e := .Args}}{{if $i}}, {{end}}{{$e}}{{end}}", "-g, daemon off;"],
  ['{{range .Args}}{{if eq . "-g"}}{{continue}}{{end}}{{.}}{{end}}', "daemon off;"],
  ["{{range .Args}}{{.}}{{break}}{{end}}", "-g"],
  ["{{(len .Args)}}{{(.State).Pid}}", "242"],
  ["{{html .Note}} {{urlquery .Note}}", "a &lt; b &amp; &#34;c&#34; é a+%3C+b+%26+%22c%22+%C3%A9"],
  ["x\n y {{.Id}}\n", "x\n y 4c01db0b339c\n"],
  ["{{.State.Running | json}}", "true"],
  ["{{json .None}} {{json .Empty}}", "null []"],
  ["{{.Id}} }}", "4c01db0b339c }}"],
];

/** The errors, likewise, without `template parsing error: `. */
const failures: readonly (readonly [template: string, problem: string])[] = [
  ["{{.Foo}}", 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
  [
    "{{.State.Foo}}",
    'template: :1:8: executing "" at <.State.Foo>: map has no entry for key "Foo"',
  ],
  [
    "{{.State.Foo.Bar}}",
    'template: :1:8: executing "" at <.State.Foo.Bar>: map has no entry for key "Foo"',
  ],
  [
    "{{.None.Foo}}",
    'template: :1:7: executing "" at <.None.Foo>: nil pointer evaluating interface {}.Foo',
  ],
  ["\n {{.Foo}}", 'template: :2:3: executing "" at <.Foo>: map has no entry for key "Foo"'],
  [
    "{{index .Args 7}}",
    'template: :1:2: executing "" at <index .Args 7>: error calling index: index out of range: 7',
  ],
  [
    '{{index .Id "a"}}',
    'template: :1:2: executing "" at <index .Id "a">: error calling index: cannot index slice/array with type string',
  ],
  ["{{foo}}", 'template: :1: function "foo" not defined'],
  ["{{.Id", "template: :1: unclosed action"],
  ["{{if}}x{{end}}", "template: :1: missing value for if"],
  ["{{if .Id}}x", "template: :1: unexpected EOF"],
  ["{{end}}", "template: :1: unexpected {{end}}"],
  ["{{else}}", "template: :1: unexpected {{else}}"],
  ["{{}}", "template: :1: missing value for command"],
  ["{{$x}}", 'template: :1: undefined variable "$x"'],
  ['{{"a}}', "template: :1: unterminated quoted string"],
  [
    "{{upper}}",
    'template: :1:2: executing "" at <upper>: wrong number of args for upper: want 1 got 0',
  ],
  [
    '{{eq 1 "a"}}',
    'template: :1:2: executing "" at <eq 1 "a">: error calling eq: incompatible types for comparison',
  ],
  [
    '{{lt 1 "a"}}',
    'template: :1:2: executing "" at <lt 1 "a">: error calling lt: incompatible types for comparison',
  ],
  [
    "{{range .Id}}{{end}}",
    'template: :1:8: executing "" at <.Id>: range can\'t iterate over 4c01db0b339c',
  ],
  ["{{.Id 3}}", 'template: :1:2: executing "" at <.Id>: Id is not a method but has arguments'],
  ["{{3 4}}", 'template: :1:2: executing "" at <3>: can\'t give argument to non-function 3'],
  ["{{len 3}}", 'template: :1:2: executing "" at <len 3>: error calling len: len of type int'],
  ["{{range .Args}}{{else}}{{else}}{{end}}", "template: :1: expected end; found {{else}}"],
  ["{{break}}", "template: :1: {{break}} outside {{range}}"],
  ["{{(.Id}}", "template: :1: unclosed left paren"],
  ["{{.Id)}}", 'template: :1: unexpected ")" in command'],
  ["{{1 | 2}}", "template: :1: non executable command in pipeline stage 2"],
  ["{{nil}}", 'template: :1:2: executing "" at <nil>: nil is not a command'],
  [
    "{{and}}",
    'template: :1:2: executing "" at <and>: wrong number of args for and: want at least 1 got 0',
  ],
  ["{{not}}", 'template: :1:2: executing "" at <not>: wrong number of args for not: want 1 got 0'],
  [
    "{{.NetworkSettings.Networks.bridge.Nope}}",
    'template: :1:18: executing "" at <.NetworkSettings.Networks.bridge.Nope>: map has no entry for key "Nope"',
  ],
  ["{{range $i $e := .Args}}{{end}}", 'template: :1: undefined variable "$i"'],
  ["{{if .Id}}{{.}}{{end", "template: :1: unclosed action"],
  [
    "{{.Config.Labels.nope}}",
    'template: :1:9: executing "" at <.Config.Labels.nope>: map has no entry for key "nope"',
  ],
  [
    "{{lt .State .State}}",
    'template: :1:2: executing "" at <lt .State .State>: error calling lt: invalid type for comparison',
  ],
  ["{{/* x", "template: :1: unclosed comment"],
];

describe("prints what Go prints", () => {
  for (const [template, printed] of results) {
    test(template, () => {
      expect(compileTemplate(template)(container)).toBe(printed);
    });
  }
});

describe("fails in Go's words", () => {
  for (const [template, problem] of failures) {
    test(template, () => {
      const run = () => compileTemplate(template)(container);
      expect(run).toThrow(TemplateError);
      expect(run).toThrow(new Error(`template parsing error: ${problem}`));
    });
  }
});

describe("differs from Go 1.19 where docker's data does", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["{{json .}}", { b: 1, a: { d: 2, c: 3 } }, '{"b":1,"a":{"d":2,"c":3}}'],
    [
      "{{json .}}",
      new Map([
        ["b", 1],
        ["a", 2],
      ]),
      '{"a":2,"b":1}',
    ],
    ['{{index .L "nope"}}|{{.L.nope}}', { L: new Map([["a", "1"]]) }, "|<no value>"],
    ['{{.Label "x"}} {{.Label "y"}}', { Label: (name: string) => name + "!" }, "x! y!"],
    ["{{.Label}}", { Label: () => "bare" }, "bare"],
    ["{{range 3}}{{.}}{{end}}", {}, "012"],
    ["{{range $i := 2}}{{$i}}{{end}}", {}, "01"],
    ["{{with .A}}x{{else with .B}}{{.}}{{else}}none{{end}}", { A: "", B: "b" }, "b"],
    ["{{truncate .A 2}}", { A: "éèà" }, "éè"],
  ];
  for (const [template, data, printed] of cases) {
    test(template, () => {
      expect(compileTemplate(template)(data)).toBe(printed);
    });
  }

  test("objects have no fields but their own", () => {
    for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
      expect(() => compileTemplate(`{{.${name}}}`)({ A: 1 })).toThrow(TemplateError);
      expect(compileTemplate(`{{index . "${name}"}}`)({ A: 1 })).toBe("");
      expect(() => compileTemplate(`{{${name} 1}}`)({ A: 1 })).toThrow(TemplateError);
    }
  });

  test("a template that is not closed ends in an error, however deep", () => {
    for (const open of ["{{if .A}}", "{{(", "{{range .A}}{{else}}", '{{"\\']) {
      expect(() => compileTemplate(open.repeat(200))).toThrow(TemplateError);
    }
  });
});
