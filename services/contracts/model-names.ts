/** What models are called, beside the name that they were asked for by. */

const modelVersion = /[-@:.](latest|preview|exp|\d{2,}([-.]\d+)*|v\d+([.:-]\d+)*)$/;

/** Bedrock's names begin with the maker, and before that perhaps with where it runs: `us.anthropic.claude-…`. */
const makerBefore =
  /^(?:[a-z]{2,6}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|stability|writer)\./;

/** Without the version, and without a provider before it. */
export function bareModel(name: string): string {
  let bare = name
    .toLowerCase()
    .slice(name.lastIndexOf("/") + 1)
    .replace(makerBefore, "");
  for (;;) {
    const shorter = bare.replace(modelVersion, "");
    if (shorter === bare || shorter === "") return bare;
    bare = shorter;
  }
}
