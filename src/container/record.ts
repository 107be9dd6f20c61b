/**
 * What is written down of a container, once, when it is made: enough to show it, to enter it, and to
 * start it again. How it fares is never written down but seen (src/engine/status.ts).
 *
 * It stands as `state.json` in the state directory of a container that runs, and of one that is kept
 * in the engine's database as well.
 */

import type { EngineOptions } from "../engine/options.ts";
import type { IdMappings } from "../options/facts.ts";
import type { ImageConfig } from "../options/image-config.ts";
import type { RunOptions } from "../options/options.ts";
import { shortId } from "./identity.ts";

/** What the root is made of, in a form that nothing done to tags can change. */
export type RecordedSource =
  | {
      readonly kind: "stored";
      /** As people wrote it, in its normal form. */
      readonly reference: string;
      /** The manifest's digest. */
      readonly digest: string;
      /** The digest of the image's config: the image's id. */
      readonly id: string;
      readonly config: ImageConfig;
      /** Names below `layers` in the data root, the lowest first. */
      readonly chainIds: readonly string[];
    }
  | { readonly kind: "rootfs"; readonly directory: string; readonly readonly: boolean }
  | { readonly kind: "bundle"; readonly directory: string };

/** The process as the configuration has it, for commands that show or enter the container. */
export type RecordedProcess = {
  readonly env: readonly string[];
  readonly cwd: string;
  /** `USER[:GROUP]`, to be looked up inside; empty: the configuration's numbers. */
  readonly user: string;
  readonly groups: readonly string[];
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly stopSignal: number;
};

export type RecordedMount = {
  readonly type: string;
  /** Of a bind or a volume: where it is on the host. */
  readonly source: string;
  readonly destination: string;
  readonly readonly: boolean;
  /** Of a volume: its name. */
  readonly volume?: string;
};

export type ContainerRecord = {
  readonly version: 2;
  readonly id: string;
  /** As given or chosen; null: `nameOf` makes one of the id. */
  readonly name: string | null;
  /** What it is made of, for people: the image's reference, or the directory. */
  readonly image: string;
  readonly source: RecordedSource;
  /** The engine's data: the writable layer is in `containers/ID` there. */
  readonly dataRoot: string;
  readonly hostname: string;
  /** Directories of cgroups that are made for it alone, each time that it starts. */
  readonly cgroups: readonly string[];
  readonly options: RunOptions;
  /** The ids outside that those inside are, as long as it is there; absent: it has none of its own. */
  readonly idMappings?: IdMappings | null;
  readonly engine: EngineOptions | null;
  readonly process: RecordedProcess;
  /** Those that were asked for: volumes, binds and file systems in memory. */
  readonly mounts: readonly RecordedMount[];
  readonly labels: Readonly<Record<string, string>>;
  readonly networkMode: string;
};

/** With what differs between two containers that are alike. */
export type Described = ContainerRecord & {
  /** Milliseconds since 1970. */
  readonly created: number;
  /** What it runs, the program's name first. */
  readonly args: readonly string[];
  /** Of it, what the caller asked for in place of the image's command; null: not known any more. */
  readonly command: readonly string[] | null;
};

/** JSON has no numbers of more than 53 bits; amounts may be. */
const bigintKey = "$bigint";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isMarked = (key: string): boolean => /^\$+bigint$/.test(key);

/** The same with other names for the keys that could be taken for ours: labels are an image's. */
function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (!isObject(value) || !Object.keys(value).some(isMarked)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [isMarked(key) ? rename(key) : key, each]),
  );
}

/** `{"$bigint": "5"}` is 5n; of a key that is data, and looks like that, there is one more `$`. */
export const encodeRecord = (record: unknown): string =>
  JSON.stringify(record, (_, value) =>
    typeof value === "bigint" ? { [bigintKey]: `${value}` } : renamed(value, (key) => `$${key}`),
  );

const isBigint = (value: unknown): value is { readonly [bigintKey]: string } => {
  if (!isObject(value) || Object.keys(value).join() !== bigintKey) return false;
  const text = value[bigintKey];
  return typeof text === "string" && /^-?\d+$/.test(text);
};

export const decodeRecord = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) =>
    isBigint(value)
      ? BigInt(value[bigintKey])
      : renamed(value, (key) => (key === bigintKey ? key : key.slice(1))),
  );

const firstWords =
  "able amber basic bold brave brief bright brisk calm candid clean clear close cool crisp dapper deep direct dry eager early easy even fair fast fine firm fond free fresh glad good grand great green happy hardy ideal jolly keen kind large late lean light lively loud lucid lucky mellow merry mild neat new nimble noble open plain polite proud pure quick quiet rapid ready rich round royal safe sharp sleek smart snug sober solid sound spry steady still stout sunny swift tidy trim true vivid warm wise witty young zesty".split(
    " ",
  );
const secondWords =
  "acorn alder anchor apple arrow aspen badger barley basin beacon beaver birch bridge brook canal candle canyon cedar cliff clover comet coral cove crane creek daisy delta dune eagle elm ember falcon fern field finch fjord forest fox garden geyser glacier grove gull harbor hazel heron hill iris island ivy jay kestrel lagoon lake lantern larch lark linden lynx maple marsh meadow mesa moon moss oak ocean olive orchid osprey otter owl pebble pine planet plum pond poplar prairie quail quartz raven reef ridge river robin sage shore sparrow spring spruce stone stork stream summit swan thistle tide tulip valley violet walnut willow wren".split(
    " ",
  );

const wordOf = (words: readonly string[], digits: string): string =>
  words[Number.parseInt(digits, 16) % words.length] ?? "";

/**
 * The name of a container that was given none: two words made of its id, so that it need not be
 * written down before the container starts.
 */
export const nameOf = ({
  id,
  name,
}: {
  readonly id: string;
  readonly name: string | null;
}): string =>
  name ??
  `${wordOf(firstWords, id.slice(12, 20))}_${wordOf(secondWords, id.slice(20, 28))}_${shortId(id).slice(0, 3)}`;
