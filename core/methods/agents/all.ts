import { channelMethods } from "../channels/methods.ts";
import type { NamedMethod } from "../method.ts";
import { modelMethods } from "../models/methods.ts";
import { skillMethods } from "../skills/methods.ts";
import { toolMethods } from "../tools/methods.ts";
import { usageMethods } from "../usage/methods.ts";
import { wizardMethods } from "../wizard/methods.ts";
import { fileMethods } from "./files.ts";
import type { ManagementParts } from "./management-parts.ts";
import { listMethods } from "./list.ts";
import { polledMethods } from "./polled.ts";
import { writeMethods } from "./write.ts";

/** Everything `lazy.ts` has the names of. */
export function allManagementMethods(parts: ManagementParts): readonly NamedMethod[] {
  return [
    ...listMethods(parts),
    ...writeMethods(parts),
    ...fileMethods(parts),
    ...polledMethods(),
    ...modelMethods(parts),
    ...toolMethods(parts),
    ...skillMethods(parts),
    ...usageMethods(parts),
    ...channelMethods(parts),
    ...wizardMethods(parts),
  ];
}
