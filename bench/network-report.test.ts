import { expect, test } from "bun:test";
import { setupTable, throughputTable } from "./network-report.ts";
import type { SetupMeasured } from "./network-setup.ts";
import { seededRandom } from "./statistics.ts";
import { rateOf, type Throughput } from "./throughput.ts";

const row = (
  engine: string,
  connection: SetupMeasured["connection"],
  times: readonly number[],
  cpu: readonly number[] = times,
): SetupMeasured => ({ engine, connection, times, cpu, peakRss: 1024 });

const cellsOf = (table: string): string[][] =>
  table
    .split("\n")
    .slice(2)
    .map((line) => line.slice(2, -2).split(" | "));

test("what the network takes is the difference to the same engine without one", () => {
  const table = setupTable(
    [
      row("pivot", "none", [20, 20, 20]),
      row("pivot", "bridge", [100, 100, 100]),
      row("podman", "none", [150, 150, 150]),
      row("podman", "bridge", [200, 200, 200]),
      row("docker", "bridge", [400, 400, 400], []),
    ],
    seededRandom(1),
  );
  expect(cellsOf(table).map((each) => [each[0], each[5], ...each.slice(-3)])).toEqual([
    ["pivot", "20.00", "–", "–", "0.13 (0.13–0.13)"],
    ["pivot", "100.00", "80.00 (80.00–80.00)", "80 %", "0.50 (0.50–0.50)"],
    ["podman", "150.00", "–", "–", "1"],
    ["podman", "200.00", "50.00 (50.00–50.00)", "25 %", "1"],
    ["docker", "–", "–", "–", "2.00 (2.00–2.00)"],
  ]);
});

test("a start without a network of which a run failed is nothing to compare with", () => {
  const uneven = [row("pivot", "none", [20]), row("pivot", "bridge", [100, 100])];
  expect(cellsOf(setupTable(uneven, seededRandom(1)))[1]?.slice(-3)).toEqual(["–", "–", "–"]);
});

test("throughput is grouped by its way, and compared with podman's of root or of users", () => {
  const one = (
    engine: string,
    network: string,
    way: Throughput["way"],
    rate: number,
  ): Throughput => ({ engine, network, way, data: "in", rates: [rate, rate, rate + 1] });
  const table = throughputTable(
    [
      one("no container", "host", "outside to published port", 20),
      one("pivot", "bridge", "host to container", 12),
      one("pivot", "bridge", "outside to published port", 10),
      one("podman", "bridge", "outside to published port", 5),
      one("pivot", "pasta", "outside to published port", 4),
      one("podman", "slirp4netns", "outside to published port", 2),
    ],
    seededRandom(1),
  );
  const cells = cellsOf(table).map((each) => [each[0], each[2], each[3], ...each.slice(4)]);
  expect(cells.map((each) => each.slice(1, 3).join())).toEqual([
    "pivot,bridge",
    "no container,host",
    "pivot,bridge",
    "podman,bridge",
    "pivot,pasta",
    "podman,slirp4netns",
  ]);
  const ratios = cells.map((each) => String(each.at(-1)).split(" ")[0]);
  expect(ratios).toEqual(["–", "4.00", "2.00", "1", "2.00", "1"]);
  expect(cells[2]?.slice(3, 6)).toEqual(["10.00", "10.00", "11.00"]);
});

test("the rate is that of what arrived, in Gbit/s", () => {
  const sent = { bits_per_second: 9e9 };
  const end = { sum_sent: sent, sum_received: { bits_per_second: 2.5e9 } };
  expect(rateOf(JSON.stringify({ end }))).toBe(2.5);
});

test("a run of iperf3 that failed, or that nothing went through, has no rate", () => {
  expect(() => rateOf('{"error": "unable to connect to server"}')).toThrow("unable to connect");
  expect(() => rateOf('{"end": {"sum_received": {"bits_per_second": 0}}}')).toThrow("nothing");
  expect(() => rateOf('{"end": {}}')).toThrow("nothing arrived");
  expect(() => rateOf("")).toThrow("no JSON");
});
