import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { liveConnections, portPairs } from "./live.ts";
import { type ConnectionWish, netavarkConfig } from "./netavark.ts";

const wish: ConnectionWish = {
  id: "a".repeat(64),
  name: "web",
  network: {
    id: "b".repeat(64),
    name: "front",
    created: 0,
    driver: "bridge",
    interface: "pv-0123456789ab",
    subnets: [{ subnet: "10.91.0.0/24", gateway: "10.91.0.1", range: null }],
    internal: false,
    ipv6: false,
    attachable: false,
    labels: {},
    options: {},
  },
  interface: "eth0",
  addresses: ["10.91.0.2"],
  mac: "02:42:0a:5b:00:02",
  aliases: [],
  ports: [],
  dns: [],
};
const port = {
  host_ip: "",
  host_port: 8080,
  container_port: 80,
  range: 1,
  protocol: "tcp",
} as const;

test("netavark is not told of ports that there are none of, and is not to keep networks apart", () => {
  const config = netavarkConfig(wish, false);
  expect(config).not.toHaveProperty("port_mappings");
  expect(config.network_info["front"]?.options).toEqual({});
  expect(netavarkConfig({ ...wish, ports: [port] }, false).port_mappings).toEqual([port]);
});

test("what runs is read from what netavark was told, with ports and without", () => {
  const state = mkdtempSync(`${tmpdir()}/pivot-live-`);
  try {
    mkdirSync(`${state}/network`);
    const told = (ports: ConnectionWish["ports"]) => {
      const text = JSON.stringify(netavarkConfig({ ...wish, ports }, false));
      writeFileSync(`${state}/network/eth0`, text);
      return liveConnections(state);
    };
    expect(told([])).toMatchObject([{ network: "front", addresses: ["10.91.0.2"], ports: [] }]);
    expect(portPairs(told([]))).toEqual([]);
    expect(portPairs(told([port]))).toMatchObject([{ hostPort: 8080, containerPort: 80 }]);
  } finally {
    rmSync(state, { recursive: true });
  }
});
