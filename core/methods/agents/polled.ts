/**
 * What a user interface asks for again and again: cheap, because it is asked for often. Of things
 * that this version has none of the answer is empty.
 */
import * as z from "zod";
import { OFFERED } from "../chat/commands.ts";
import type { NamedMethod } from "../method.ts";

const Commands = z.strictObject({
  sessionKey: z.string().min(1).max(512).optional(),
  agentId: z.string().min(1).max(64).optional(),
  provider: z.string().min(1).max(64).optional(),
  scope: z.enum(["text", "native", "both"]).optional(),
  includeArgs: z.boolean().optional(),
});
const Questions = z.strictObject({});
const Prefs = z.strictObject({ keys: z.array(z.string().min(1).max(256)).max(1_000).optional() });
const Board = z.strictObject({
  sessionKey: z.string().min(1).max(512),
  agentId: z.string().min(1).max(64).optional(),
});
const Projects = z.strictObject({ includeObserved: z.boolean().optional() });

export function polledMethods(): readonly NamedMethod[] {
  return [
    [
      "commands.list",
      {
        scope: "operator.read",
        call(params) {
          Commands.parse(params);
          return { commands: OFFERED };
        },
      },
    ],
    [
      "question.list",
      {
        scope: "operator.questions",
        call(params) {
          Questions.parse(params);
          return { questions: [] };
        },
      },
    ],
    [
      "users.prefs.get",
      {
        scope: "operator.read",
        call(params) {
          Prefs.parse(params);
          return { status: "no_durable_identity" };
        },
      },
    ],
    [
      "board.get",
      {
        scope: "operator.read",
        call(params) {
          const { sessionKey } = Board.parse(params);
          return { sessionKey, revision: 0, tabs: [], widgets: [] };
        },
      },
    ],
    [
      "projects.list",
      {
        scope: "operator.read",
        call(params) {
          Projects.parse(params);
          return { projects: [] };
        },
      },
    ],
  ];
}
