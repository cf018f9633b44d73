"""Folders with the real classes, as small as they can be, made once a session: what a hub model is
to the code that loads it, but without anything learned."""

import torch
import transformers as t
from tokenizers import Tokenizer, models, pre_tokenizers

TEXT = """a the red blue fox owl is on beach story what colour where are we scene happy and of in
it new begins picture user assistant question so far cut paper illustration pip found ball write"""
WORDS = TEXT.split()
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<|im_start|>", "<|im_end|>",
           "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]  # fmt: skip
CHAT = (
    "{% for m in messages %}{{ m['role'] }} : {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %} {% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}assistant :{% endif %}"
)


def tokenizer(**options):
    """A tokenizer of whole words and special tokens."""
    words = list(dict.fromkeys([*SPECIAL, *WORDS, ":", "."]))
    backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    made = t.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=64,
        **options,
    )
    made.add_special_tokens({"additional_special_tokens": SPECIAL[4:]})
    return made


def small_text(words, **more):
    return {"vocab_size": words, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
            **more}  # fmt: skip


def small_vision(**more):
    return {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 16, "patch_size": 8, **more}  # fmt: skip


def make_clip(folder):
    torch.manual_seed(0)
    words = tokenizer()
    config = t.CLIPConfig(
        text_config=small_text(len(words), max_position_embeddings=64),
        vision_config=small_vision(),
        projection_dim=8,
    )
    pictures = t.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=16)
    t.CLIPModel(config).save_pretrained(folder)
    t.CLIPProcessor(pictures, words).save_pretrained(folder)
    return folder


def make_blip2(folder, queries=4, stated=4):
    torch.manual_seed(0)
    words = tokenizer()
    config = t.Blip2Config(
        vision_config=small_vision(),
        qformer_config={"vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1,
                        "num_attention_heads": 2, "intermediate_size": 32,
                        "encoder_hidden_size": 16},
        text_config={"model_type": "opt", "vocab_size": len(words), "hidden_size": 16,
                     "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 32,
                     "max_position_embeddings": 128, "word_embed_proj_dim": 16, "pad_token_id": 0,
                     "bos_token_id": 1, "eos_token_id": 2},
        num_query_tokens=queries,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    t.Blip2ForConditionalGeneration(config).save_pretrained(folder)
    pictures = t.BlipImageProcessor(size={"height": 16, "width": 16})
    t.Blip2Processor(pictures, words, num_query_tokens=stated).save_pretrained(folder)
    return folder


def make_llava(folder):
    torch.manual_seed(0)
    words = tokenizer()
    config = t.LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **small_vision(projection_dim=8)},
        text_config={"model_type": "llama", **small_text(len(words), num_key_value_heads=2,
                                                         max_position_embeddings=512)},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )  # fmt: skip
    t.LlavaForConditionalGeneration(config).save_pretrained(folder, max_shard_size="20KB")
    pictures = t.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=16)
    t.LlavaProcessor(
        pictures,
        words,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT.replace("IMAGE", "<image>"),
    ).save_pretrained(folder)
    return folder


def make_qwen(folder):
    torch.manual_seed(0)
    words = tokenizer()
    ids = {name: words.convert_tokens_to_ids(f"<|{name}|>") for name in
           ("image_pad", "video_pad", "vision_start", "vision_end")}  # fmt: skip
    config = t.Qwen2_5_VLConfig(
        text_config=small_text(len(words), num_key_value_heads=2, max_position_embeddings=512,
                               rope_scaling={"type": "mrope", "rope_type": "default",
                                             "mrope_section": [2, 1, 1]}),
        vision_config={"depth": 1, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2,
                       "out_hidden_size": 16, "patch_size": 4, "spatial_merge_size": 2,
                       "window_size": 16, "fullatt_block_indexes": [0]},
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
    )  # fmt: skip
    model = t.Qwen2_5_VLForConditionalGeneration(config).to(torch.bfloat16)
    model.generation_config = t.GenerationConfig(  # as it was published
        do_sample=True, temperature=1e-6, repetition_penalty=1.05, eos_token_id=2, pad_token_id=0
    )
    model.save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 16 * 16 + 16}
    pictures = t.Qwen2VLImageProcessor(patch_size=4, merge_size=2, size=size)
    films = t.Qwen2VLVideoProcessor(patch_size=4, merge_size=2, size=size)
    template = CHAT.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    t.Qwen2_5_VLProcessor(pictures, words, films, chat_template=template).save_pretrained(folder)
    return folder


def make_pipeline(folder, holds_back=None):
    """A pipeline; with `holds_back`, one whose safety checker holds all back, or nothing."""
    import diffusers as d

    torch.manual_seed(0)
    words = tokenizer()
    text = t.CLIPTextModel(t.CLIPTextConfig(**small_text(len(words), max_position_embeddings=64)))
    unet = d.UNet2DConditionModel(
        sample_size=4, in_channels=4, out_channels=4, block_out_channels=(8, 16),
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=16, attention_head_dim=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    vae = d.AutoencoderKL(
        block_out_channels=(4, 4, 4, 4), norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip
    d.StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=words,
        unet=unet,
        scheduler=d.DDIMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None if holds_back is None else safety_checker(holds_back),
        feature_extractor=t.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=16),
        requires_safety_checker=holds_back is not None,
    ).save_pretrained(folder)
    return folder


def safety_checker(holds_back):
    """The real class: a picture is held back if its vector is nearer to one of 17 concepts than
    that concept's threshold, and no cosine is below -2 or above 2."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker

    config = t.CLIPConfig(vision_config=small_vision(), projection_dim=8)
    made = StableDiffusionSafetyChecker(config)
    threshold = -2.0 if holds_back else 2.0
    made.concept_embeds_weights.fill_(threshold)
    made.special_care_embeds_weights.fill_(2.0)
    return made


def make_checked(folder):
    return make_pipeline(folder, holds_back=False)


def make_held_back(folder):
    return make_pipeline(folder, holds_back=True)


def make_published(folder):
    """A pipeline as it lies on the hub: both precisions, pickles, and whole checkpoints beside."""
    import diffusers as d

    make_checked(folder)
    pipe = d.StableDiffusionPipeline.from_pretrained(folder).to(torch.float16)
    pipe.save_pretrained(folder, variant="fp16")
    for name in ("v1-5.ckpt", "v1-5.safetensors", "unet/diffusion_pytorch_model.bin",
                 "unet/diffusion_pytorch_model.non_ema.safetensors", "README.md"):  # fmt: skip
        (folder / name).write_bytes(b"not asked for")
    return folder
