# 24 epochs, the rate for 16 images a step
_base_ = './schedule_1x.py'
lr_config = dict(step=[16, 22])
total_epochs = 24
