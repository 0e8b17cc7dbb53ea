// The running gateway that the tests are pointed at, and what they ask it with.

export const url = process.env.ASAHI_URL;
export const apiKey = process.env.ASAHI_KEY;
export const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4n2YKAAM5AWdLMjxjAAAAAElFTkSuQmCC";

export const citySchema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

export const functionTool = (name) => ({
  type: "function",
  function: { name, description: `${name} of a city`, parameters: citySchema },
});

/** Everything that an async iterable yields. */
export const gathered = async (iterable) => {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
};
