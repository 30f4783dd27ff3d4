/** Parts of a setup that only the machine of the gateway itself can be asked about. */
import type { Settings } from "../../config/settings.ts";
import { askChoice, askText } from "../../methods/wizard/questions.ts";
import type { Ask } from "../../methods/wizard/session.ts";
import type { SetupParts } from "../../methods/wizard/setup.ts";

const BINDS = [
  { value: "loopback", label: "This machine alone" },
  { value: "lan", label: "Every network this machine is in" },
  { value: "tailnet", label: "Its tailnet" },
  { value: "auto", label: "Whatever fits where it runs" },
] as const;

/** Where it listens. Its token is not touched. */
export async function setUpGateway(
  ask: Ask,
  { write }: Pick<SetupParts, "write">,
  { gateway, config }: Settings,
): Promise<void> {
  const port = await askText(
    ask,
    { title: "Gateway", message: "Port", initialValue: String(gateway.port) },
    (text) => (isPort(text) ? undefined : "That is no port"),
  );
  const own = BINDS.find(({ value }) => value === config.gateway.bind);
  const options = own === undefined ? BINDS : [own, ...BINDS.filter((one) => one !== own)];
  const bind = await askChoice(ask, { title: "Gateway", message: "Who can reach it?" }, options);
  await write({ gateway: { port: Number(port), ...(bind === undefined ? {} : { bind }) } });
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

export async function setUpWorkspace(
  ask: Ask,
  { write }: Pick<SetupParts, "write">,
  { agents }: Settings,
): Promise<void> {
  const initialValue = agents[0].workspace;
  const workspace = await askText(
    ask,
    { title: "Workspace", message: "The folder of the agent's files", initialValue },
    (text) => (text === "" ? "Name a folder" : undefined),
  );
  if (workspace !== initialValue) await write({ agents: { defaults: { workspace } } });
}
