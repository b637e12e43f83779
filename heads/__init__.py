"""The method: network, codec, losses and operators. Tensors in, tensors out.

``heads.registered`` hands the network to mmdet.
"""
