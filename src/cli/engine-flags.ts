/** The flags of `run` and `create` that are the engine's. */

import type { Flag } from "./arguments.ts";

export const engineFlags: readonly Flag[] = [
  { name: "cidfile", value: "FILE", help: "write the container's id to a new file" },
  { name: "health-cmd", value: "COMMAND", help: "run it inside to see how the container is" },
  { name: "health-interval", value: "DURATION", help: "time between two checks: 30s" },
  { name: "health-retries", value: "N", help: "failures in a row that make it unhealthy: 3" },
  { name: "health-start-interval", value: "DURATION", help: "time between two checks at first" },
  { name: "health-start-period", value: "DURATION", help: "time in which failures do not count" },
  { name: "health-timeout", value: "DURATION", help: "a check that takes longer has failed: 30s" },
  { name: "log-driver", value: "DRIVER", help: "json-file, or none: output is not kept" },
  { name: "log-opt", value: "NAME=VALUE", help: "max-size=10m, max-file=3" },
  { name: "no-healthcheck", help: "leave the image's check out" },
  {
    name: "restart",
    value: "POLICY",
    help: "no|always|unless-stopped|on-failure[:N]: start it again when it has ended",
  },
  { name: "stop-timeout", value: "SECONDS", help: "how long `stop` waits before it kills: 10" },
];
