import { expect, test } from "bun:test";
import { type Column, formatDocuments, formatRows, type Listing } from "./output.ts";

type Row = { id: string; name: string; labels: Record<string, string> };

let asked = 0;

const columns: readonly Column<Row>[] = [
  {
    name: "ID",
    header: "CONTAINER ID",
    value: ({ id }, { noTrunc }) => (noTrunc ? id : id.slice(0, 12)),
  },
  { name: "Names", header: "NAMES", value: ({ name }) => name },
  {
    name: "Size",
    header: "SIZE",
    hidden: true,
    value: () => {
      asked++;
      return "1kB";
    },
  },
  {
    name: "Label",
    header: "",
    hidden: true,
    value: (row) => (name: string) => row.labels[name] ?? "",
  },
];

const rows: readonly Row[] = [
  { id: "0123456789abcdef", name: "web", labels: { "com.example.color-name": "red" } },
  { id: "fedcba9876543210", name: "a-much-longer-name", labels: {} },
];

const listing = (wish: Partial<Listing> = {}): Listing => ({
  format: null,
  quiet: false,
  noTrunc: false,
  ...wish,
});

const shown = (wish: Partial<Listing>) => formatRows(rows, columns, listing(wish));

test("the table", () => {
  asked = 0;
  const table = `CONTAINER ID   NAMES
0123456789ab   web
fedcba987654   a-much-longer-name
`;
  expect(shown({})).toBe(table);
  expect(shown({ format: "table" })).toBe(table);
  expect(asked).toBe(0);
  expect(formatRows([], columns, listing())).toBe("CONTAINER ID   NAMES\n");
});

test("no column is narrower than ten characters", () => {
  expect(shown({ format: "table {{.Size}}\\t{{.Names}}" })).toBe(
    "SIZE      NAMES\n1kB       web\n1kB       a-much-longer-name\n",
  );
});

test("functions leave a header alone, and a method's header is its argument's last word", () => {
  expect(
    shown({ format: 'table {{upper .Names}}\t{{.Label "com.example.color-name"}}\t{{lower .ID}}' }),
  ).toBe(
    `NAMES                color name   CONTAINER ID
WEB                  red          0123456789ab
A-MUCH-LONGER-NAME                fedcba987654
`,
  );
});

test("quiet, whatever the format", () => {
  expect(shown({ quiet: true })).toBe("0123456789ab\nfedcba987654\n");
  expect(shown({ quiet: true, noTrunc: true, format: "json" })).toBe(
    "0123456789abcdef\nfedcba9876543210\n",
  );
});

test("json: one object a line, its keys sorted, without methods", () => {
  const line = '{"ID":"0123456789ab","Names":"web","Size":"1kB"}\n';
  expect(shown({ format: "json" })).toStartWith(line);
  expect(shown({ format: "{{json .}}" })).toStartWith(line);
  expect(shown({ format: "json" }).split("\n")).toHaveLength(3);
});

test("a template, with tabs and line ends of the shell's word", () => {
  expect(shown({ format: "{{.ID}}\\t{{.Names}}\\n" })).toBe(
    "0123456789ab\tweb\n\nfedcba987654\ta-much-longer-name\n\n",
  );
  expect(shown({ format: '{{printf "%s\\n" .Names}}' })).toBe("web\n\na-much-longer-name\n\n");
  expect(formatRows([], columns, listing({ format: "{{.ID}}" }))).toBe("");
});

test("an unknown field: the error names the fields", () => {
  expect(() => shown({ format: "{{.Nope}}" })).toThrow(
    'template parsing error: template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"; there are .ID .Names .Size .Label',
  );
  expect(() => formatRows([], columns, listing({ format: "table {{.Nope}}" }))).toThrow(
    "there are .ID",
  );
});

test("a cell can neither steer the terminal nor break the table", () => {
  const hostile = [{ id: "x", name: "a\u001b]0;t\u0007\nb\tc\u202ed", labels: {} }];
  expect(formatRows(hostile, columns, listing())).toBe(
    "CONTAINER ID   NAMES\nx              a\\x1b]0;t\\x07\\nb\\tc\\u202ed\n",
  );
  // Programs get it as it is.
  expect(JSON.parse(formatRows(hostile, columns, listing({ format: "json" }))).Names).toBe(
    hostile[0]?.name ?? "",
  );
});

const documents = [
  { Id: "1", Config: { Labels: { b: "2", a: "1" } }, State: { Running: true } },
  { Id: "2", Config: { Labels: null }, State: { Running: false } },
];

test("inspect", () => {
  expect(formatDocuments(documents, null)).toStartWith('[\n    {\n        "Id": "1",\n');
  expect(JSON.parse(formatDocuments(documents, null))).toEqual(documents);
  expect(formatDocuments([], null)).toBe("[]\n");
  expect(formatDocuments(documents, "json").split("\n")).toHaveLength(2);
  expect(JSON.parse(formatDocuments(documents, "json"))).toEqual(documents);
  expect(formatDocuments(documents, "{{.State.Running}}")).toBe("true\nfalse\n");
  expect(formatDocuments(documents.slice(0, 1), '{{index .Config.Labels "nope"}}')).toBe("\n");
  expect(formatDocuments(documents.slice(0, 1), "{{.Config.Labels.nope}}")).toBe("<no value>\n");
  expect(
    formatDocuments(documents, "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}"),
  ).toBe("a=1 b=2 \n\n");
  expect(() => formatDocuments(documents, "{{.State.Nope}}")).toThrow('no entry for key "Nope"');
});
