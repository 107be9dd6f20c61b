// A manager of systemd that only says that it has done what it was asked, for tests where there is no
// systemd: `bun fake-systemd.ts SOCKET LOG MODE`. Each call is a line of LOG: its member, and the pid
// that goes with a new unit. MODE: `done`, `failed` (the job), `refuses`, `hangs`, `hangs-up`.

import { appendFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { marshalCall, text, type Value } from "../../src/systemd/message.ts";

const [socket = "", log = "", mode = "done"] = process.argv.slice(2);
const job: Value = { type: "o", value: "/org/freedesktop/systemd1/job/7" };

/** A call with another head: type, and instead of a destination whom it answers. */
function message(kind: number, member: string, replyTo: number, error: string, body: Value[]) {
  const call = {
    destination: "x",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member,
  };
  const { bytes } = marshalCall({ ...call, body }, 9);
  const start = Math.ceil((16 + new DataView(bytes.buffer).getUint32(12, true)) / 8) * 8;
  const fields: [number, Value][] = [
    ...(replyTo === 0 ? [] : ([[5, { type: "u", value: replyTo }]] as [number, Value][])),
    ...(member === "" ? [] : ([[3, text(member)]] as [number, Value][])),
    ...(error === "" ? [] : ([[4, text(error)]] as [number, Value][])),
    ...(body.length === 0
      ? []
      : ([[8, { type: "g", value: body.map(({ type }) => type).join("") }]] as [number, Value][])),
  ];
  const head = marshalCall(
    {
      ...call,
      body: [
        {
          type: "array",
          of: "(yv)",
          values: fields.map(([code, value]) => ({
            type: "struct",
            values: [
              { type: "y", value: code },
              { type: "variant", value },
            ],
          })),
        },
      ],
    },
    9,
  ).bytes;
  // The array stands in the body of that: its length, four bytes, and its elements from eight on.
  const at = Math.ceil((16 + new DataView(head.buffer).getUint32(12, true)) / 8) * 8;
  const size = new DataView(head.buffer).getUint32(at, true);
  const elements = head.slice(at + 8, at + 8 + size);
  const made = Buffer.alloc(Math.ceil((16 + size) / 8) * 8 + bytes.length - start);
  made.write("l", 0);
  made.writeUInt8(kind, 1);
  made.writeUInt8(1, 3);
  made.writeUInt32LE(bytes.length - start, 4);
  made.writeUInt32LE(9, 8);
  made.writeUInt32LE(size, 12);
  made.set(elements, 16);
  made.set(bytes.slice(start), made.length - (bytes.length - start));
  return made;
}

function answer(to: Socket, call: Buffer): void {
  const words = call.toString("latin1");
  const name = words.indexOf("\x03\x01s\0") + 8;
  const member = words.slice(name, words.indexOf("\0", name));
  const pids = words.indexOf("PIDs\0\x02au\0\0\0\0\x04\0\0\0");
  appendFileSync(log, `${member}${pids < 0 ? "" : ` ${call.readUInt32LE(pids + 16)}`}\n`);
  if (mode === "hangs") return;
  if (mode === "hangs-up") {
    to.end();
    return;
  }
  const serial = call.readUInt32LE(8);
  const isJob = member === "StartTransientUnit" || member === "StopUnit";
  if (isJob && mode === "refuses") {
    to.write(message(3, "", serial, "org.freedesktop.systemd1.UnitExists", [text("Unit exists.")]));
  } else if (isJob) {
    to.write(message(2, "", serial, "", [job]));
    const result = text(mode === "failed" ? "failed" : "done");
    to.write(
      message(4, "JobRemoved", 0, "", [{ type: "u", value: 7 }, job, text("a.scope"), result]),
    );
  } else {
    to.write(message(2, "", serial, "", []));
  }
}

createServer((connection) => {
  let heard = Buffer.alloc(0);
  let isBegun = false;
  connection.on("error", () => undefined);
  connection.on("data", (bytes) => {
    heard = Buffer.concat([heard, bytes as Buffer]);
    if (!isBegun) {
      const begin = heard.indexOf("BEGIN\r\n");
      if (begin < 0) return;
      isBegun = true;
      heard = heard.subarray(begin + 7);
      connection.write("OK 0123456789abcdef0123456789abcdef\r\n");
    }
    while (heard.length >= 16) {
      const length = Math.ceil((16 + heard.readUInt32LE(12)) / 8) * 8 + heard.readUInt32LE(4);
      if (heard.length < length) return;
      answer(connection, heard.subarray(0, length));
      heard = heard.subarray(length);
    }
  });
}).listen(socket);
