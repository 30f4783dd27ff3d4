import * as z from "zod";
import type { SharedTool } from "../tool.ts";
import { parametersOf } from "./parameters.ts";

const Input = z.strictObject({
  timezone: z
    .string()
    .max(64)
    .optional()
    .describe("IANA time zone, such as Europe/Berlin. Default: UTC"),
});

/** Tells the model what it cannot know. */
export function createCurrentTime(now: () => number): SharedTool {
  return {
    spec: {
      name: "current_time",
      description: "The current date, time and weekday, in UTC or in a given time zone.",
      parameters: parametersOf(Input),
    },
    for: "anyone",

    async run(input) {
      const parsed = Input.safeParse(input);
      if (!parsed.success) return `Bad input: ${z.prettifyError(parsed.error)}`;
      const timezone = parsed.data.timezone ?? "UTC";
      return (
        timeIn(timezone, now()) ??
        `Unknown time zone "${timezone}": use an IANA name such as Europe/Berlin`
      );
    },
  };
}

/** ISO 8601 with the zone's offset, then its name and the weekday. Undefined: no such zone. */
function timeIn(timezone: string, at: number): string | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      weekday: "long",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      timeZoneName: "longOffset",
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const part = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const of = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? "";
  const date = `${of("year")}-${of("month")}-${of("day")}`;
  const time = `${of("hour")}:${of("minute")}:${of("second")}`;
  // "GMT+01:00"; for none at all "GMT" or "GMT+00:00", the versions of ICU differ.
  const offset = of("timeZoneName").replace(/^GMT(?:\+00:00)?/, "") || "Z";
  return `${date}T${time}${offset} (${timezone}, ${of("weekday")})`;
}
