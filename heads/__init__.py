"""The method: network, encoding, losses, decoding and operators. Tensors in, tensors out.

``heads.registered`` hands the network to mmdet.
"""
