"""Class names of the public data sets, in label order."""
from mmdet.utils import nearest
from mmdet.utils.errors import BadValue

VOC = tuple('''
    aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike
    person pottedplant sheep sofa train tvmonitor
'''.split())
COCO = tuple('''
    person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant
    stop_sign parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe
    backpack umbrella handbag tie suitcase frisbee skis snowboard sports_ball kite baseball_bat
    baseball_glove skateboard surfboard tennis_racket bottle wine_glass cup fork knife spoon
    bowl banana apple sandwich orange broccoli carrot hot_dog pizza donut cake chair couch
    potted_plant bed dining_table toilet tv laptop mouse remote keyboard cell_phone microwave
    oven toaster sink refrigerator book clock vase scissors teddy_bear hair_drier toothbrush
'''.split())
IMAGENET_VID = tuple('''
    airplane antelope bear bicycle bird bus car cattle dog domestic_cat elephant fox giant_panda
    hamster horse lion lizard monkey motorcycle rabbit red_panda sheep snake squirrel tiger
    train turtle watercraft whale zebra
'''.split())
IMAGENET_DET = tuple('''
    accordion airplane ant antelope apple armadillo artichoke axe baby_bed backpack bagel
    balance_beam banana band_aid banjo baseball basketball bathing_cap beaker bear bee
    bell_pepper bench bicycle binder bird bookshelf bow_tie bow bowl brassiere burrito bus
    butterfly camel can_opener car cart cattle cello centipede chain_saw chair chime
    cocktail_shaker coffee_maker computer_keyboard computer_mouse corkscrew cream croquet_ball
    crutch cucumber cup_or_mug diaper digital_clock dishwasher dog domestic_cat dragonfly drum
    dumbbell electric_fan elephant face_powder fig filing_cabinet flower_pot flute fox
    french_horn frog frying_pan giant_panda goldfish golf_ball golfcart guacamole guitar
    hair_dryer hair_spray hamburger hammer hamster harmonica harp hat_with_a_wide_brim
    head_cabbage helmet hippopotamus horizontal_bar horse hotdog iPod isopod jellyfish
    koala_bear ladle ladybug lamp laptop lemon lion lipstick lizard lobster maillot maraca
    microphone microwave milk_can miniskirt monkey motorcycle mushroom nail neck_brace oboe
    orange otter pencil_box pencil_sharpener perfume person piano pineapple ping-pong_ball
    pitcher pizza plastic_bag plate_rack pomegranate popsicle porcupine power_drill pretzel
    printer puck punching_bag purse rabbit racket ray red_panda refrigerator remote_control
    rubber_eraser rugby_ball ruler salt_or_pepper_shaker saxophone scorpion screwdriver seal
    sheep ski skunk snail snake snowmobile snowplow soap_dispenser soccer_ball sofa spatula
    squirrel starfish stethoscope stove strainer strawberry stretcher sunglasses swimming_trunks
    swine syringe table tape_player tennis_ball tick tie tiger toaster traffic_light train
    trombone trumpet turtle tv_or_monitor unicycle vacuum violin volleyball waffle_iron washer
    water_bottle watercraft whale wine_bottle zebra
'''.split())
YOUTUBE_VIS_2019 = tuple('''
    person giant_panda lizard parrot skateboard sedan ape dog snake monkey hand rabbit duck cat cow
    fish train horse turtle bear motorbike giraffe leopard fox deer owl surfboard airplane truck
    zebra tiger elephant snowboard boat shark mouse frog eagle earless_seal tennis_racket
'''.split())

dataset_aliases = {
    'voc': ['voc', 'pascal_voc', 'voc07', 'voc12'],
    'imagenet_det': ['det', 'imagenet_det', 'ilsvrc_det'],
    'imagenet_vid': ['vid', 'imagenet_vid', 'ilsvrc_vid'],
    'coco': ['coco', 'mscoco', 'ms_coco'],
    'youtube_vis_2019': ['ytvos', 'youtube_vis', 'youtube_vis_2019'],
}


def voc_classes() -> list[str]:
    """The 20 classes of Pascal VOC."""
    return list(VOC)


def coco_classes() -> list[str]:
    """The 80 classes of COCO, in the order of their ids."""
    return list(COCO)


def imagenet_vid_classes() -> list[str]:
    """The 30 classes of ImageNet VID."""
    return list(IMAGENET_VID)


def imagenet_det_classes() -> list[str]:
    """The 200 classes of ImageNet DET."""
    return list(IMAGENET_DET)


def get_classes(dataset: str) -> list[str]:
    """Class names of a data set by one of its names, see ``dataset_aliases``.

    Raises:
        ValueError: the name is not known.
    """
    lists = dict(voc=VOC, coco=COCO, imagenet_vid=IMAGENET_VID, imagenet_det=IMAGENET_DET,
                 youtube_vis_2019=YOUTUBE_VIS_2019)
    home = {alias: name for name, aliases in dataset_aliases.items() for alias in aliases}
    if dataset not in home:
        raise BadValue(f'no class names are known for "{dataset}"{nearest(dataset, home)}')
    return list(lists[home[dataset]])
