import type { TrainEventName, TrainEvents, TrainSubscriber } from "./events.js";

/** Tells every event as one line of JSON, for programs; pictures are left out. */
export function jsonEvents(write: (line: string) => void): TrainSubscriber {
  const tell =
    <Name extends TrainEventName>(name: Name) =>
    (event: TrainEvents[Name]) => {
      const { png: _, ...plain } = event as Record<string, unknown>;
      write(JSON.stringify({ event: name, ...plain }));
    };
  return {
    runStarted: tell("runStarted"),
    stepFinished: tell("stepFinished"),
    validationFinished: tell("validationFinished"),
    epochFinished: tell("epochFinished"),
    checkpointSaved: tell("checkpointSaved"),
    sampleSaved: tell("sampleSaved"),
    warning: tell("warning"),
    runFinished: tell("runFinished"),
  };
}
