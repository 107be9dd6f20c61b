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
