import { GatewayError } from "../../shared/errors.ts";
import type { Ask } from "../methods/wizard/session.ts";
import type { SetupParts } from "../methods/wizard/setup.ts";
import { type Command, type Io, parseFlags, settingsOf } from "./command.ts";
import type { Written } from "./onboard/write.ts";

type Section = (ask: Ask, parts: SetupParts, io: Io) => Promise<void>;

/** Each does one part of a setup anew. */
const SECTIONS: ReadonlyMap<string, Section> = new Map<string, Section>([
  [
    "model",
    async (ask, parts, { stop }) =>
      (await import("../methods/wizard/setup.ts")).setUpModel(ask, parts, stop),
  ],
  [
    "channels",
    async (ask, parts, { stop }) =>
      (await import("../methods/wizard/setup.ts")).setUpChannel(ask, parts, stop),
  ],
  [
    "edge",
    async (ask, parts) => (await import("../methods/wizard/setup.ts")).setUpEdge(ask, parts),
  ],
  [
    "gateway",
    async (ask, parts, io) =>
      (await import("./onboard/sections.ts")).setUpGateway(ask, parts, await settingsOf(io)),
  ],
  [
    "workspace",
    async (ask, parts, io) =>
      (await import("./onboard/sections.ts")).setUpWorkspace(ask, parts, await settingsOf(io)),
  ],
]);

export const configure: Command = {
  usage: `configure [--section ${[...SECTIONS.keys()].join("|")}]… [--json]`,
  summary: "Set up one part anew, by questions; all else stays as it is",
  details:
    "Without --section it asks which. Secrets go into .env of the state folder.\nFor scripts: sallyport config set, and sallyport onboard --non-interactive.",

  async run(args, ownIo) {
    const { values, positionals } = parseFlags(args, {
      section: { type: "string", multiple: true },
      "secret-input-mode": { type: "string" },
      json: { type: "boolean" },
    });
    const { json = false } = values;
    // What programs read is the outcome alone; whoever answers is asked on the other stream.
    const io = json ? { ...ownIo, out: (line: string) => ownIo.err(line) } : ownIo;
    const sections = [...(values.section ?? []), ...positionals];
    const unknown = sections.find((name) => !SECTIONS.has(name));
    if (unknown !== undefined) {
      const known = [...SECTIONS.keys()].join(", ");
      throw new GatewayError("invalid_request", `configure knows the sections ${known}`);
    }
    const [{ Dialogue }, { askChoice }, { setupParts }, { tellWritten }] = await Promise.all([
      import("./onboard/ask.ts"),
      import("../methods/wizard/questions.ts"),
      import("./onboard/parts.ts"),
      import("./onboard/next.ts"),
    ]);
    const plain = values["secret-input-mode"] === "plaintext";
    using dialogue = new Dialogue(io);
    const { ask } = dialogue;
    const options = [...SECTIONS.keys()].map((name) => ({ value: name, label: name }));
    const chosen =
      sections.length > 0
        ? sections
        : [await askChoice(ask, { title: "Section", message: "Which part?" }, options)];
    const all: Written[] = [];
    const told = (written: Written): void => {
      all.push(written);
      if (!json) tellWritten(written, io);
    };
    for (const name of chosen) {
      const parts = setupParts(await settingsOf(io), io, { plain, told });
      await SECTIONS.get(name ?? "")?.(ask, parts, io);
    }
    if (json) ownIo.out(JSON.stringify({ ok: true, sections: chosen, written: all }));
    return 0;
  },
};
