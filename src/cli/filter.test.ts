import { expect, test } from "bun:test";
import { UsageError } from "./arguments.ts";
import { type FilterTests, hasLabel, readFilters, readTruth } from "./filter.ts";
import { readDuration, readMoment } from "./moment.ts";

type Row = { name: string; labels: Record<string, string>; dangling: boolean };

const tests: FilterTests<Row> = {
  name: (row, value) => row.name.includes(value),
  label: (row, value) => hasLabel(row.labels, value),
  "label!": (row, value) => !hasLabel(row.labels, value),
  dangling: (row, value) => row.dangling === readTruth("dangling", value),
};

const rows: readonly Row[] = [
  { name: "web", labels: { color: "red", tier: "1" }, dangling: false },
  { name: "db", labels: { color: "blue" }, dangling: true },
  { name: "cache", labels: {}, dangling: false },
];

const passing = (...given: string[]): string[] =>
  rows.filter(readFilters(given, tests)).map(({ name }) => name);

test("one key's values are alternatives, several keys must all match", () => {
  expect(passing()).toEqual(["web", "db", "cache"]);
  expect(passing("name=web", "name=db")).toEqual(["web", "db"]);
  expect(passing("name=web", "name=db", "dangling=true")).toEqual(["db"]);
});

test("labels, of which all must match", () => {
  expect(passing("label=color")).toEqual(["web", "db"]);
  expect(passing("label=color=red")).toEqual(["web"]);
  expect(passing("label=color", "label=tier")).toEqual(["web"]);
  expect(passing("label=color=")).toEqual([]);
  expect(passing("label!=color")).toEqual(["cache"]);
  expect(hasLabel({}, "constructor")).toBe(false);
});

test("what is no filter is one line with the keys", () => {
  const line = (problem: string) => new UsageError(problem);
  expect(() => passing("nope=1")).toThrow(
    line('invalid filter "nope"; keys are: name, label, label!, dangling'),
  );
  expect(() => passing("name")).toThrow(
    line('--filter takes KEY=VALUE, received "name"; keys are: name, label, label!, dangling'),
  );
  expect(() => passing("dangling=perhaps")).toThrow(UsageError);
});

test("moments", () => {
  const now = Date.UTC(2024, 0, 2);
  const zone = new Date(2024, 0, 1).getTimezoneOffset() * 60_000;
  const cases: readonly (readonly [string, number])[] = [
    ["10m", now - 600_000],
    ["1h30m", now - 5_400_000],
    ["1.5s", now - 1500],
    ["0", now],
    ["1136073600", 1_136_073_600_000],
    ["1136073600.5", 1_136_073_600_500],
    ["2024-01-01", Date.UTC(2024, 0, 1) + zone],
    ["2024-01-01Z", Date.UTC(2024, 0, 1)],
    ["2024-01-01T05", Date.UTC(2024, 0, 1, 5) + zone],
    ["2024-01-01T05:06Z", Date.UTC(2024, 0, 1, 5, 6)],
    ["2024-01-01T05:06:07.25Z", Date.UTC(2024, 0, 1, 5, 6, 7, 250)],
    ["2024-01-01T05:06:07+02:00", Date.UTC(2024, 0, 1, 3, 6, 7)],
  ];
  expect(cases.map(([text]) => readMoment("--since", text, now))).toEqual(
    cases.map(([, moment]) => moment),
  );
  for (const odd of ["", "yesterday", "2024-13-01", "2024-01-01T25:00", "1d", "-"]) {
    expect(() => readMoment("--since", odd, now)).toThrow(UsageError);
  }
  expect(readDuration("1d")).toBeNull();
});
