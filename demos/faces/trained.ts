import { createGan, type Gan, recipeOf, type TrainingState } from "ganvil";
import { decodeSafetensors, encodeSafetensors } from "ganvil/io";

const average = "generator.average/";

/** The averaged generator of a state alone, as the bytes of a safetensors file: a tenth of a checkpoint. */
export function encodeGenerator({ tensors, metadata }: TrainingState): Uint8Array<ArrayBuffer> {
  const { recipe, imagesSeen } = metadata;
  return encodeSafetensors({
    tensors: Object.fromEntries(Object.entries(tensors).filter(([name]) => name.startsWith(average))),
    metadata: { recipe, imagesSeen },
  });
}

/** A generator to draw with; its discriminator has learnt nothing. */
export interface Trained {
  readonly gan: Gan;
  /** Of its training. */
  readonly kimg: number;
}

/**
 * Reads what `encodeGenerator` gives.
 * @throws CheckpointError for other bytes
 */
export async function decodeGenerator(bytes: Uint8Array): Promise<Trained> {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const gan = createGan(recipeOf(metadata));
  const untrained = await gan.state();
  gan.restore({ ...untrained, tensors: { ...untrained.tensors, ...tensors } });
  return { gan, kimg: Number(metadata.imagesSeen) / 1000 };
}
