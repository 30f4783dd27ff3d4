import type { ChannelMethodParts } from "../channels/methods.ts";
import type { ToolMethodParts } from "../tools/methods.ts";
import type { UsageMethodParts } from "../usage/methods.ts";
import type { WizardParts } from "../wizard/methods.ts";

/** What all of them work with. */
export type ManagementParts = ToolMethodParts & UsageMethodParts & ChannelMethodParts & WizardParts;
