/** `pivot events`: what happens to containers and volumes, as it happens. */

import { isatty } from "node:tty";
import { type EngineEvent, followEvents } from "../engine/event-reader.ts";
import { eventsFile } from "../engine/events.ts";
import { writeAll } from "../host/write.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { hasLabel, readFilters } from "./filter.ts";
import { filterFlag } from "./listing-flags.ts";
import { readMoment } from "./moment.ts";
import { formatDocuments } from "./output.ts";
import { shownImage } from "./ps.ts";
import { visible } from "./visible.ts";

const filterKeys = ["container", "event", "image", "label", "scope", "type", "volume"] as const;

export const eventsFlags: readonly Flag[] = [
  filterFlag(filterKeys),
  { name: "format", value: "FORMAT", help: "json, or a Go template: '{{.Type}} {{.Action}}'" },
  { name: "since", value: "TIME", help: "also those from then on: 10m, 2006-01-02T15:04:05" },
  { name: "until", value: "TIME", help: "end then" },
];

const withoutTag = (reference: string): string => shownImage(reference).replace(/:[^/]*$/, "");

/** With docker `exec_start: ls` is an event of the name `exec_start` too. */
const nameOf = (action: string): string => action.replace(/:.*$/s, "");

const passesOf = (given: readonly string[]) =>
  readFilters<EngineEvent>(given, {
    container: ({ type, id, attributes }, value) =>
      type === "container" &&
      (attributes["name"] === value || (value !== "" && id.startsWith(value))),
    event: ({ action }, value) => action === value || nameOf(action) === value,
    image: ({ attributes: { image = "" } }, value) =>
      shownImage(image) === shownImage(value) || withoutTag(image) === value,
    label: ({ attributes }, value) => hasLabel(attributes, value),
    scope: (_, value) => value === "local",
    type: ({ type }, value) => type === value,
    volume: ({ type, id }, value) => type === "volume" && id === value,
  });

/** RFC 3339 with nine digits, in the machine's time zone, as docker has it. */
export function timeText(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / 1_000_000n));
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, "0");
  if (minutes === 0) return `${local}.${fraction}Z`;
  const two = (number: number): string => String(number).padStart(2, "0");
  const size = Math.abs(minutes);
  const zone = `${minutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
  return `${local}.${fraction}${zone}`;
}

/** By name, and the image as people write it. */
const attributesOf = ({ attributes }: EngineEvent): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(attributes)
      .map(([name, value]) => [name, name === "image" ? shownImage(value) : value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** `TIME container start ID (image=busybox, name=web)`, with what could steer a terminal made plain. */
export function eventText(event: EngineEvent): string {
  const { time, type, action, id } = event;
  const words = Object.entries(attributesOf(event)).map(([name, value]) => `${name}=${value}`);
  const told = words.length === 0 ? "" : ` (${words.join(", ")})`;
  return `${timeText(time)} ${type} ${action} ${id}${told}`.replace(/\p{Cc}/gu, "?");
}

const secondsOf = ({ time }: EngineEvent): number => Number(time / 1_000_000_000n);

/** docker's names; a number of nanoseconds has too many digits for JavaScript's own. */
function eventJson(event: EngineEvent): string {
  const { time, type, action, id } = event;
  const attributes = attributesOf(event);
  const { image } = attributes;
  const document = {
    ...(type === "container" ? { status: action, id } : {}),
    ...(image === undefined ? {} : { from: image }),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: "local",
    time: secondsOf(event),
  };
  return JSON.stringify(document).replace(/\}$/, `,"timeNano":${time}}`);
}

const fieldsOf = (event: EngineEvent) => {
  const { time, type, action, id } = event;
  const attributes = attributesOf(event);
  return {
    Status: type === "container" ? action : "",
    ID: type === "container" ? id : "",
    From: attributes["image"] ?? "",
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    Scope: "local",
    Time: secondsOf(event),
    TimeNano: String(time),
  };
};

function shown(event: EngineEvent, format: string | null): string {
  if (format === null || format === "") return `${eventText(event)}\n`;
  if (format === "json" || /^\{\{\s*json\s+\.\s*\}\}$/.test(format)) return `${eventJson(event)}\n`;
  return formatDocuments([fieldsOf(event)], format);
}

export async function eventsCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("usage: pivot events [OPTIONS]");
  const moment = (flag: string): number | null => {
    const text = lastValue(given, flag);
    return text === null ? null : readMoment(`--${flag}`, text);
  };
  const since = BigInt(Math.trunc((moment("since") ?? Date.now()) * 1000)) * 1000n;
  const until = moment("until");
  const last = until === null ? null : BigInt(Math.trunc(until * 1000)) * 1000n;
  const passes = passesOf(given.flags.get("filter") ?? []);
  const format = lastValue(given, "format");
  for await (const events of followEvents(eventsFile(engineRoots(globals)), until)) {
    const wanted = events.filter(
      (event) => event.time >= since && (last === null || event.time <= last) && passes(event),
    );
    const text = wanted.map((event) => shown(event, format)).join("");
    if (text !== "" && !writeAll(1, isatty(1) ? visible(text) : text)) return 0;
  }
  return 0;
}
