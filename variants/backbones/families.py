"""Backbone families that the tests build, each by its lightest useful member."""

FAMILIES: dict[str, str] = {
    "mobilenetv2_050": "MobileNetV2, Sandler et al. 2018",
    "mobilenetv3_small_050": "MobileNetV3, Howard et al. 2019",
    "mobilenetv4_conv_small_035": "MobileNetV4, Qin et al. 2024",
    "tf_efficientnet_lite0": "EfficientNet-Lite, Liu 2020",
    "lcnet_050": "PP-LCNet, Cui et al. 2021",
    "resnet18": "ResNet, He et al. 2016",
    "repvit_m0_9": "RepViT, Wang et al. 2024",
    "hgnetv2_b0": "PP-HGNetV2, Baidu 2023",
    "pvt_v2_b0": "Pyramid Vision Transformer v2, Wang et al. 2022",
}
