"""Networks of keras.applications, without weights."""

import keras


def VGG16():
    return keras.applications.VGG16(weights=None)


def VGG19():
    return keras.applications.VGG19(weights=None)


def ResNet50():
    return keras.applications.ResNet50(weights=None)


def ResNet101V2():
    return keras.applications.ResNet101V2(weights=None)


def InceptionV3():
    return keras.applications.InceptionV3(weights=None)


def InceptionResNetV2():
    return keras.applications.InceptionResNetV2(weights=None)


def Xception():
    return keras.applications.Xception(weights=None)


def MobileNet():
    return keras.applications.MobileNet(weights=None)


def MobileNetV2():
    return keras.applications.MobileNetV2(weights=None)


def MobileNetV3Small():
    return keras.applications.MobileNetV3Small(weights=None)


def DenseNet121():
    return keras.applications.DenseNet121(weights=None)


def EfficientNetB0():
    return keras.applications.EfficientNetB0(weights=None)


def NASNetMobile():
    return keras.applications.NASNetMobile(weights=None)


def ConvNeXtTiny():
    return keras.applications.ConvNeXtTiny(weights=None)
