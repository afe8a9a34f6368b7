// Prints the opencode.json that makes OpenCode use the offline model:
//
//   node config.js http://127.0.0.1:PORT > "$HOME/.config/opencode/opencode.json"
//
// Agents for tests: "oracle" has neither model nor variant of its own, "seer" has both.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const limit = { context: 100000, output: 8000 };

export function config(url) {
  return {
    $schema: "https://opencode.ai/config.json",
    autoupdate: false,
    share: "disabled",
    // OpenCode brings models of its own, which are not offline.
    enabled_providers: ["offline"],
    provider: {
      offline: {
        npm: "@ai-sdk/openai-compatible",
        name: "Offline",
        options: { baseURL: `${url.replace(/\/+$/, "")}/v1`, apiKey: "none" },
        models: {
          echo: { name: "Echo", tool_call: true, limit },
          echo2: {
            name: "Echo with a variant",
            tool_call: true,
            limit,
            variants: { high: { reasoningEffort: "high" } },
          },
          // An answer of some 16 kB fills this one's context.
          small: { name: "Echo with a small context", tool_call: true, limit: { context: 5000, output: 1000 } },
        },
      },
    },
    model: "offline/echo",
    small_model: "offline/echo",
    agent: {
      oracle: { mode: "all", description: "Answers questions" },
      seer: { mode: "all", description: "Answers hard questions", model: "offline/echo2", variant: "high" },
    },
  };
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const url = process.argv[2];
  if (process.argv.length !== 3 || !/^https?:\/\//.test(url)) {
    console.error("usage: node config.js http://127.0.0.1:PORT");
    process.exit(2);
  }
  console.log(JSON.stringify(config(url), null, 2));
}
