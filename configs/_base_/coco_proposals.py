# COCO 2017 with the proposals of an RPN (tools/test.py CONFIG CHECKPOINT --out PROPOSALS.pkl)
_base_ = './coco.py'
proposals = 'data/coco/proposals/'
data = dict(
    train=dict(proposal_file=proposals + 'rpn_r50_fpn_1x_train2017.pkl'),
    val=dict(proposal_file=proposals + 'rpn_r50_fpn_1x_val2017.pkl'),
    test=dict(proposal_file=proposals + 'rpn_r50_fpn_1x_val2017.pkl'))
