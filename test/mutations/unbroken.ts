// What no mutation makes fail, each with the reason: nobody may be left out in silence (list.test.ts).

/** Rows of the security suite that apply, by their first advisory. */
export const unbrokenRows: Readonly<Record<string, string>> = {
  "CVE-2024-1753":
    "buildah's, of which pivot only warns: whether it can be broken depends on the machine's version",
};

const ofDatabase = "one transaction of the database: what is killed leaves nothing to be found";
const ofRename =
  "one file that appears by rename, or goes: what is killed leaves what the next start takes up";
const ofOthers =
  "it leaves nothing of its own: what it has begun is the container's, and goes with that";

const ofMonitor =
  "the command asks, and the monitor does: what fails there is told by the same words as of `run -d`";

/** Tests of faults, by file and name. */
export const unbrokenFaults: Readonly<Record<string, string>> = {
  "calls: stop": ofMonitor,
  "calls: start": ofMonitor,
  "calls: rm -f": ofMonitor,
  "calls: restart": ofMonitor,
  "kills: stop": ofOthers,
  "kills: rm -f": ofOthers,
  "kills: exec": ofOthers,
  "kills: network connect": ofOthers,
  "kills: cp into": ofOthers,
  "kills: cp out of": ofOthers,
  "kills: rm": ofDatabase,
  "kills: rename": ofDatabase,
  "kills: network create": ofDatabase,
  "kills: network rm": ofDatabase,
  "kills: load": "what it brings is there already, and is what is left of it",
  "kills: tag": ofRename,
  "kills: rmi": ofRename,
  "kills: save": ofRename,
  "kills: volume rm": ofRename,
  "registry: a layer that is longer than the manifest says":
    "its digest is another then: one guard stands behind the other",
  "registry: connections that are dropped each time":
    "the network itself has words for it, which each way of telling contains",
  "registry: a manifest that is another one each time":
    "what comes is no manifest either: one guard stands behind the other",
  "shortage: memory and processes: what is entered has none left":
    "that nothing comes of it, whether it gets in or not, is what it asks",
  "shortage: memory: any limit (cgroup v1)":
    "who has no memory is killed by the kernel, whatever is told",
};

/** Checks of the load test. */
export const unbrokenLoad: Readonly<Record<string, string>> = {
  "N runs in sequence":
    "a ratio of times: it says no after thousands of runs, and not after twenty",
  "a start beside them": "a ratio of times beside a thousand others",
  "starts beside them, one right after the other": "a ratio of times beside a thousand others",
  "N containers together":
    "the test itself ends containers by what ps lists, and cannot go on without",
  "what each of them takes": "it is told, and not judged",
};
