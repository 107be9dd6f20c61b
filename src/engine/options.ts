/** What the engine is to do for a container beyond its making: plain data, kept with it. */

export type RestartPolicy = {
  readonly name: "no" | "always" | "unless-stopped" | "on-failure";
  /** Of `on-failure`: how often at most; 0: as often as it takes. */
  readonly retries: number;
};

/** A command that says whether the container is well. Times in milliseconds. */
export type HealthCheck = {
  /** Run inside; exit code 0 is well. */
  readonly command: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  /** Failures in this time after the start do not count. */
  readonly startPeriod: number;
  readonly startInterval: number;
  /** So many failures in a row make it unhealthy. */
  readonly retries: number;
};

export type LogOptions = {
  readonly driver: "json-file" | "none";
  /** The log is put aside when it is larger; 0: never. */
  readonly maxBytes: number;
  /** How many files there are, the present one included. */
  readonly files: number;
};

export type EngineOptions = {
  readonly restart: RestartPolicy;
  /** Seconds that `stop` waits before it kills. */
  readonly stopTimeout: number;
  readonly health: HealthCheck | null;
  readonly log: LogOptions;
};

export const defaultEngineOptions: EngineOptions = {
  restart: { name: "no", retries: 0 },
  stopTimeout: 10,
  health: null,
  log: { driver: "json-file", maxBytes: 0, files: 1 },
};

/** What was asked for of a check; what was not is the image's, or docker's. */
export type HealthWish = Partial<HealthCheck> | "none";

/** What was asked for of the engine. */
export type EngineWish = Omit<EngineOptions, "health"> & { readonly health: HealthWish };

/** What an image says of its check (image-spec, config.md); times in nanoseconds. */
export type ImageHealth = {
  readonly Test?: readonly string[] | undefined;
  readonly Interval?: number | undefined;
  readonly Timeout?: number | undefined;
  readonly StartPeriod?: number | undefined;
  readonly StartInterval?: number | undefined;
  readonly Retries?: number | undefined;
};

function imageCommand(test: readonly string[]): readonly string[] | undefined {
  const [kind, ...rest] = test;
  if (kind === "CMD") return rest;
  return kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...rest] : undefined;
}

/** Nothing and 0 alike are docker's default. */
const milliseconds = (nanoseconds: number | undefined): number | undefined =>
  nanoseconds === undefined || nanoseconds === 0 ? undefined : nanoseconds / 1e6;

/** Whole milliseconds that a timer can take: an image may say anything. */
const timerMost = 0x7fff_ffff;
const fitForTimer = (time: number): number => Math.min(Math.max(1, Math.round(time)), timerMost);

function healthCheck(wish: HealthWish, image: ImageHealth | undefined): HealthCheck | null {
  if (wish === "none") return null;
  const command = wish.command ?? imageCommand(image?.Test ?? []);
  if (command === undefined) return null;
  const startPeriod = wish.startPeriod ?? milliseconds(image?.StartPeriod) ?? 0;
  return {
    command,
    interval: fitForTimer(wish.interval || (milliseconds(image?.Interval) ?? 30_000)),
    timeout: fitForTimer(wish.timeout || (milliseconds(image?.Timeout) ?? 30_000)),
    startPeriod: startPeriod === 0 ? 0 : fitForTimer(startPeriod),
    startInterval: fitForTimer(wish.startInterval || (milliseconds(image?.StartInterval) ?? 5_000)),
    retries: wish.retries || image?.Retries || 3,
  };
}

/** The wish with what the image and docker's defaults fill in. */
export const engineOptions = (wish: EngineWish, image: ImageHealth | undefined): EngineOptions => ({
  ...wish,
  health: healthCheck(wish.health, image),
});

/**
 * Whether the policy wants another start.
 *
 * @param isStopped somebody has stopped it
 */
export function wantsRestart(
  { name, retries }: RestartPolicy,
  code: number,
  restarts: number,
  isStopped: boolean,
): boolean {
  if (isStopped) return false;
  switch (name) {
    case "no":
      return false;
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return code !== 0 && (retries === 0 || restarts < retries);
  }
}
