// What lies outside of a container in tests: a server of names, servers of HTTP and echoes by UDP, in one
// program for one machine. It prints each name that it is asked for.
//
//     bun test/outside.ts ADDRESS[,ADDRESS…] '{"name": ["203.0.113.7", "2001:db8::7"], …}'
//
// Names are answered at the first address of each family, HTTP at all of them on ports 80 and 8080,
// echoes on 7. A name `alias` whose only value is another name is an alias. The time to live is 2 s.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const [addresses = "", zoneText = "{}"] = process.argv.slice(2);
const zone = JSON.parse(zoneText) as Record<string, readonly string[]>;
const all = addresses.split(",");
const ttl = 2;

const bytesOf = (address: string): Buffer => {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  const [before = "", after = ""] = address.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const first = groups(before);
  const last = groups(after);
  const middle = Array<number>(8 - first.length - last.length).fill(0);
  const bytes = Buffer.alloc(16);
  [...first, ...middle, ...last].forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  return bytes;
};

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split(".")
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, head, data]);
}

function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const name = labels.join(".").toLowerCase();
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  console.log(`asked ${name} ${type}`);
  const records: Buffer[] = [];
  let owner = name;
  let found = zone[owner];
  const target = found?.[0] ?? "";
  if (/[g-z]/.test(target)) {
    records.push(record(nameBytes(owner), 5, nameBytes(target)));
    owner = target;
    found = zone[owner];
  }
  for (const address of found ?? []) {
    const is6 = address.includes(":");
    if (type === (is6 ? 28 : 1)) records.push(record(nameBytes(owner), type, bytesOf(address)));
  }
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | (found === undefined ? 3 : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, question, ...records]);
}

for (const family of ["udp4", "udp6"] as const) {
  const own = all.find((each) => each.includes(":") === (family === "udp6"));
  if (own === undefined) continue;
  const names = createSocket(family);
  names.on("message", (query, from) => names.send(answer(query), from.port, from.address));
  names.bind(53, own);
  const byTcp = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      const reply = answer(bytes.subarray(2));
      const head = Buffer.alloc(2);
      head.writeUInt16BE(reply.length);
      socket.end(Buffer.concat([head, reply]));
    });
  });
  byTcp.listen(53, own);
}

for (const address of all) {
  const echo = createSocket(address.includes(":") ? "udp6" : "udp4");
  echo.on("message", (bytes, from) => echo.send(`echo ${bytes}`, from.port, from.address));
  echo.bind(7, address);
  for (const port of [80, 8080]) {
    const server = Bun.serve({
      hostname: address,
      port,
      fetch: (_, self) => new Response(`${address} ${port} to ${self.requestIP(_)?.address}\n`),
    });
    server.unref();
  }
}
console.log("ready");
setInterval(() => {}, 1 << 30);
