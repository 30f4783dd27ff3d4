import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { NamedMethod } from "../method.ts";
import { tailFile } from "./tail.ts";

/** As many lines as a screen of history; and what one answer may hold. */
const DEFAULT_LINES = 500;
const MAX_LINES = 5_000;
const DEFAULT_BYTES = 250_000;
const MAX_BYTES = 1_000_000;

const Params = z.strictObject({
  cursor: z.int().min(0).optional(),
  limit: z.int().min(1).max(MAX_LINES).default(DEFAULT_LINES),
  maxBytes: z.int().min(1).max(MAX_BYTES).default(DEFAULT_BYTES),
});

/** @param path - The log file of this moment; undefined: there is none. */
export function logsMethods(path: () => string | undefined): readonly NamedMethod[] {
  return [
    [
      "logs.tail",
      {
        scope: "operator.read",
        async call(params) {
          const { cursor, limit, maxBytes } = Params.parse(params);
          const file = path();
          if (file !== undefined) return tailFile(file, { cursor, limit, maxBytes });
          throw new GatewayError("not_found", "This gateway keeps no log file: see logging.file");
        },
      },
    ],
  ];
}
